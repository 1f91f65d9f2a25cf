import Tensors

/// What a step computes, on one page: run once on tensors without values and compiled, or for every batch where steps run
/// eagerly.
extension Model {
  /// One training step on this rank's share of a batch of `globalRows` samples.
  func trainBody(_ given: Batch, globalRows: Int) throws {
    guard let optimizer else {
      throw EngineError.model(message: "fit needs an optimizer: Model(..., optimizer: Adam())")
    }
    let empty = EmptyShare(given, ranks: strategy.replicaCount)
    let batch = empty?.batch ?? given
    let parameters = orderedParameters
    let values = parameters.map(\.value)
    // Gradients end at these leaves: the parameters are read through them.
    let leaves = values.map { Node(leaf: $0) }
    let overlay = VariableOverlay(zip(parameters, leaves).map { ($0, $1.output(0)) })

    // Forward pass, and losses of this rank's samples, scaled so that their gradients may be added over ranks.
    let (output, terms) = try GradientDepth.deeper {
      try overlay {
        let (output, context) = try forward(batch, empty, isTraining: true)
        return (
          output, try lossTerms(batch, output, context, isTraining: true, globalRows: globalRows)
        )
      }
    }
    guard let loss = terms.total else {
      throw EngineError.model(
        message: "there is no loss to train on: give Model a loss, or call addLoss in a module")
    }

    // Backward pass.
    let gradients =
      try empty?.gradients(of: terms.parts, total: loss, leaves, values)
      ?? gradientsOfScalar(loss, leaves, values)

    // The sums over ranks, and the update, the same on all of them; or a sum of this rank alone, where several batches make one update.
    let ownLoss = empty == nil ? loss : Tensor(0.0)
    if optimizer.accumulates {
      _ = try addedOverRanks([], kept: gradients, loss: ownLoss)
      optimizer.accumulate(parameters, gradients)
    } else {
      let (sums, groups) = try addedOverRanks(
        withGradientErrors(parameters, optimizer.withAccumulated(parameters, gradients)),
        loss: ownLoss)
      optimizer.update(parameters, sums: sums, groups: groups)
    }

    // Metrics of this rank's samples; their states are added up when somebody asks for results.
    try updateMetrics(batch, output.map(\.detached), terms, isTraining: true)
  }

  /// Losses and metrics of this rank's share, without training.
  func testBody(_ given: Batch, globalRows: Int) throws {
    let empty = EmptyShare(given, ranks: strategy.replicaCount)
    let batch = empty?.batch ?? given
    let (output, context) = try forward(batch, empty, isTraining: false)
    let terms = try lossTerms(batch, output, context, isTraining: false, globalRows: globalRows)
    try updateMetrics(batch, output, terms, isTraining: false)
  }

  /// Predictions, and what the modules' hooks collected. A rank without samples (`empty`) changes no state.
  func forward(
    _ batch: Batch, _ empty: EmptyShare? = nil, isTraining: Bool
  ) throws -> (output: Structure, context: ModuleContext) {
    func run() throws -> (output: Structure, context: ModuleContext) {
      let (output, context) = try module.run(isTraining: isTraining) {
        try module.call(structure: batch.x)
      }
      return (output, context)
    }
    return try empty.map { try $0.keepingStates(run) } ?? run()
  }

  /// Gradients added over ranks, together with what ranks tell each other: whether one asks for the end, and whether the
  /// loss or a gradient of one is not finite, which ends the step on all of them before anything is written. Gradients that are
  /// `kept` are looked at and stay on this rank.
  ///
  /// - Returns: the sums, and the numbers of those that come together, in their order.
  private func addedOverRanks(
    _ gradients: [Tensor], kept: [Tensor] = [], loss: Tensor
  ) throws -> (sums: [Tensor], groups: [[Int]]) {
    let looks = nonFinite.looks
    guard strategy.replicaCount > 1 else {
      if looks { try requireFinite(countNotFinite(gradients + kept, loss)) }
      return (gradients, [])
    }
    let reduction = strategy.gradientReduction ?? BucketedAllReduce()
    // A rank without samples has a loss of 0, and traces the same messages.
    let bucketed = Trace.active == nil ? nil : reduction as? BucketedAllReduce
    // Buckets look at gradients when they are in the cache anyway.
    let notFinite =
      looks
      ? countNotFinite(bucketed == nil ? gradients + kept : kept, loss)
      : Tensor(0.0, dtype: .float32)
    let watch = gradients.isEmpty ? votesWatch : GradientWatch.current
    return try GradientWatch.$current.withValue(watch) {
      if let bucketed {
        let started = bucketed.start(
          gradients, votes: [stopVote.own.value, notFinite], over: communicator)
        try take(started.votes, looks)
        return (started.sums(), started.groups)
      }
      let dtype = gradients.last?.dtype ?? .float32
      let votes = [stopVote.own.value.cast(to: dtype), notFinite.cast(to: dtype)]
      let sums = try reduction.sums(of: gradients + votes, over: communicator)
      try take(sums.suffix(2).map { $0.cast(to: .float32) }, looks)
      return (sums.dropLast(2), [])
    }
  }

  /// Takes what all ranks together say in a step: who asks for what, and how many have met a number that is not finite.
  private func take(_ votes: [Tensor], _ looks: Bool) throws {
    stopVote.total.value = votes[0]
    if looks { try requireFinite(votes[1]) }
  }

  /// The parameters that are trained, last ones first: their gradients are ready first.
  var orderedParameters: [Variable] {
    module.trainableVariables.filter { optimizer?.isFrozen($0) != true }.reversed()
  }
}
