import OrderedCollections
import Tensors

/// The losses of one batch.
struct LossTerms {
  /// What gradients are taken of: scaled so that gradients added over ranks are those of the whole batch.
  /// Nil without any loss.
  var total: Tensor?
  /// What the total is the sum of.
  var parts: [Tensor] = []
  /// The loss as it is logged, `loss` first, on this rank's samples.
  var logged: [(name: String, value: Tensor)] = []
  /// Which steps of the output count.
  var mask: OutputMask?
  /// Values of `addMetric`.
  var metrics: [(name: String, value: Tensor)] = []
}

extension Model {
  /// Computes and reduces every loss, with Keras's scaling under several replicas: `auto` and `sumOverBatchSize`
  /// losses, and losses added by modules, are multiplied by 1/replicas, since gradients are summed over ranks.
  ///
  /// With ``LossScaling/globalBatch`` the sum over ranks is the loss of one process: what is a mean over this rank's samples is
  /// multiplied by their part of the whole batch, what is a mean over the steps of a mask is divided by those of all ranks, a weighted mean by
  /// their weights.
  func lossTerms(
    _ batch: Batch, _ output: Structure, _ context: ModuleContext, isTraining: Bool, globalRows: Int
  ) throws -> LossTerms {
    var terms = LossTerms()
    terms.mask = context.notes.outputMask.map(OutputMask.init(mask:))
    let inputs = injectionContext(batch, output, isTraining: isTraining)
    let share = lossShare(rows: batch.rows, globalRows: globalRows)
    // Shares are logged by their rows: so the mean over all rows is the sum over all ranks.
    let perShare = batch.rows == 0 ? 1 : Double(globalRows) / Double(batch.rows)
    var countedSteps: Tensor?
    var loggedTotal: Tensor?
    func add(_ name: String, gradient: Tensor, logged: Tensor) {
      terms.parts.append(gradient)
      terms.total = terms.total.map { $0 + gradient } ?? gradient
      loggedTotal = loggedTotal.map { $0 + logged } ?? logged
      if let index = terms.logged.firstIndex(where: { $0.name == name }) {
        terms.logged[index].value = terms.logged[index].value + logged
      } else {
        terms.logged.append((name, logged))
      }
    }
    for entry in losses {
      let options = entry.loss.options
      let overRanks = { crossRankSum($0, over: self.communicator) }
      for part in try entry.loss.values(
        inputs, overRanks: isWeightedBySamples ? overRanks : nil)
      {
        let values = part.value
        let name = entry.name(part: part.name)
        let partMask = OutputMask(terms.mask, and: part.mask, about: values)
        let mask =
          options.reduction.isMean && partMask?.isAbout(values) == true ? partMask : nil
        if let mask, isWeightedBySamples {
          let steps: Tensor
          if part.mask == nil {
            // One message for all losses of a step that have the mask of the output.
            steps = countedSteps ?? overRanks(mask.countedSteps)
            countedSteps = steps
          } else {
            steps = overRanks(mask.countedSteps)
          }
          let reduced = try reduceLoss(
            values,
            sampleWeight: try mask.applied(to: batch.sampleWeight, of: values, countedSteps: steps),
            reduction: options.reduction, weight: options.weight)
          add(name, gradient: reduced, logged: scaled(reduced, perShare))
          continue
        }
        if mask != nil { noteMaskedMean(isTraining: isTraining) }
        let dividesByAll = isWeightedBySamples && !part.isOfWholeBatch
        let reduced = try reduceLoss(
          values, sampleWeight: try weights(batch, for: values, of: entry, mask: partMask),
          reduction: options.reduction, weight: options.weight,
          overRanks: dividesByAll ? overRanks : nil)
        switch options.reduction {
        case .meanWithSampleWeight where dividesByAll:
          add(name, gradient: reduced, logged: scaled(reduced, perShare))
        case .auto, .sumOverBatchSize, .meanWithSampleWeight:
          add(name, gradient: scaled(reduced, share), logged: reduced)
        case .sum where part.isOfWholeBatch:
          add(name, gradient: scaled(reduced, share), logged: reduced)
        case .none where part.isOfWholeBatch:
          add(name, gradient: scaled(sum(reduced), share), logged: mean(reduced))
        case .sum where isWeightedBySamples && entry.isWithoutSamples:
          add(name, gradient: scaled(reduced, share), logged: reduced)
        case .sum:
          add(name, gradient: reduced, logged: scaled(reduced, perShare))
        case .none:
          add(name, gradient: sum(reduced), logged: mean(reduced))
        }
      }
    }
    for (name, value) in context.notes.losses {
      add(name, gradient: scaled(value, share), logged: value)
    }
    terms.logged.insert(("loss", loggedTotal ?? Tensor(0.0)), at: 0)
    terms.metrics = context.notes.metrics + context.notes.summaries.flatMap(Self.logged)
    return terms
  }

  /// Whether losses of several ranks add up to that of one process.
  private var isWeightedBySamples: Bool {
    strategy.replicaCount > 1 && strategy.lossScaling == .globalBatch
  }

  /// The sample weights that apply to a loss's values: none to a single number that is not about samples, or that the
  /// loss has weighted itself.
  private func weights(
    _ batch: Batch, for values: Tensor, of entry: LossEntry, mask: OutputMask?
  ) throws -> Tensor? {
    guard let sampleWeight = batch.sampleWeight, values.rank == 0, sampleWeight.rank > 0 else {
      return try mask.map {
        try $0.applied(
          to: batch.sampleWeight, of: values, isMean: entry.loss.options.reduction.isMean)
      } ?? batch.sampleWeight
    }
    guard !entry.needsSampleValues else {
      throw EngineError.shape(
        operation: "loss \(entry.loss.name)",
        message:
          "there are sample or class weights, but the loss gives one number: give one value a "
          + "sample, [\(batch.rows)], or ask for sampleWeight and apply it")
    }
    return nil
  }

  /// A summary in the logs: a number as it is, of a larger tensor mean and standard deviation.
  private static func logged(_ name: String, _ value: Tensor) -> [(name: String, value: Tensor)] {
    let value = floating(value)
    guard value.elementCount > 1 else { return [(name, sum(value))] }
    let mean = mean(value)
    return [(name + "/mean", mean), (name + "/std", sqrt(Engine.mean(square(value - mean))))]
  }

  /// This rank's part of a mean over the whole batch.
  private func lossShare(rows: Int, globalRows: Int) -> Double {
    switch strategy.lossScaling {
    case .replicas: 1 / Double(strategy.replicaCount)
    case .globalBatch: globalRows == 0 ? 0 : Double(rows) / Double(globalRows)
    }
  }

  private func scaled(_ value: Tensor, _ share: Double) -> Tensor {
    share == 1 ? value : value * share
  }

  /// What losses and metrics can ask for.
  func injectionContext(
    _ batch: Batch, _ output: Structure, isTraining: Bool
  ) -> InjectionContext {
    var context = InjectionContext()
    context.x = batch.x
    if batch.y.tensorCount > 0 { context.yTrue = batch.y }
    context.yPred = output
    context.sampleWeight = batch.sampleWeight.map(Structure.tensor)
    context.training = .constant(.bool(isTraining))
    context.classWeight = batch.classWeight.map { weights in
      .dictionary(
        .init(
          uniqueKeysWithValues: weights.sorted { $0.key < $1.key }.map {
            ("\($0.key)", .constant(.double($0.value)))
          }))
    }
    context.parameters = variableTree(\.trainable)
    context.states = variableTree { !$0.trainable && $0.kind.isSaved }
    return context
  }

  private func variableTree(_ isWanted: (Variable) -> Bool) -> Structure {
    var entries: [(String, Structure)] = []
    for (path, variable) in module.namedVariables where isWanted(variable) {
      entries.append((path, .tensor(variable.value)))
    }
    return .dictionary(.init(uniqueKeysWithValues: entries))
  }

  /// Adds a batch to the running means and to all metrics.
  func updateMetrics(
    _ batch: Batch, _ output: Structure, _ terms: LossTerms, isTraining: Bool
  ) throws {
    for (name, value) in terms.logged + terms.metrics {
      tracker(name).add(value, rows: batch.rows)
    }
    guard batch.rows == 0 else {
      return try updateOwnMetrics(batch, output, terms, isTraining: isTraining)
    }
    // The states must exist on every rank, since they are combined in one message, and stay as they are.
    try VariableOverlay([], writes: .allInside) {
      try updateOwnMetrics(batch, output, terms, isTraining: isTraining)
    }
  }

  private func updateOwnMetrics(
    _ batch: Batch, _ output: Structure, _ terms: LossTerms, isTraining: Bool
  ) throws {
    var weighted = injectionContext(batch, output, isTraining: isTraining)
    weighted.mask = terms.mask
    var plain = weighted
    plain.sampleWeight = nil
    for entry in metrics {
      try entry.metric.update(context: entry.metric is any FollowsWeighting ? plain : weighted)
    }
    for entry in weightedMetrics { try entry.metric.update(context: weighted) }
  }

  private func tracker(_ name: String) -> MeanTracker {
    if let known = trackers[name] { return known }
    let fresh = MeanTracker(name: name)
    trackers[name] = fresh
    return fresh
  }
}
