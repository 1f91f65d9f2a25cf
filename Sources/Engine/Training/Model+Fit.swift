import Logging
import OrderedCollections
import Tensors

private let logger = Logger(label: "apus.fit")

/// Data that a model is tried on after every epoch.
public struct ValidationData {
  let x: Structure
  let y: Structure
  let sampleWeight: Tensor?

  /// Inputs and labels of any form that the model takes. Throws ``EngineError/data(message:)`` for what holds no numbers.
  public init(
    x: some Encodable, y: some Encodable = Structure.none, sampleWeight: Tensor? = nil
  ) throws {
    self.x = try SampleStructure.encode(x, "x of validationData")
    self.y = try SampleStructure.encode(y, "y of validationData")
    self.sampleWeight = sampleWeight
  }
}

extension Model {
  /// Trains on arrays in memory.
  ///
  /// Collective: every rank must call it.
  ///
  /// - Parameters:
  ///   - x: what the module takes: a tensor, an array, a dictionary or a struct of tensors, with one row a sample; an array
  ///     of numbers, or of rows of numbers, counts as a tensor.
  ///   - y: labels of any form; not needed when no loss or metric asks for `yTrue`.
  ///   - batchSize: samples of one step over all ranks together; 32 (or all, when there are fewer) unless given.
  ///   - epochs: the last epoch, counted from 0 in each call, or from `initialEpoch`.
  ///   - verbose: a progress bar on a terminal and a line an epoch elsewhere; rank 0 only.
  ///   - callbacks: called between steps and epochs, in this order.
  ///   - validationSplit: this part of the samples, the last ones before shuffling, is not trained on but evaluated.
  ///   - validationData: takes the place of `validationSplit`.
  ///   - shuffle: a new order every epoch, the same on all ranks. It depends on the seed and the number of the epoch: a
  ///     second call goes on with the order after the last one of the first (``trainedEpochs``).
  ///   - classWeight: multiplies the loss of each sample that is trained on by the weight of its class, from class 0 on;
  ///     not in validation.
  ///   - sampleWeight: one weight a sample, or weights that fit the losses' values.
  ///   - initialEpoch: the number of epochs that training starts after, with the order of samples of that epoch. A run that was broken off goes on as it would have where its whole state is
  ///     restored (``BackupAndRestore``, ``restoreState(from:isStrict:)``), which says itself where.
  ///   - stepsPerEpoch: stops an epoch early; all steps unless given.
  ///   - validationSteps: stops validation early; all steps unless given.
  ///   - validationBatchSize: samples of one step of validation over all ranks; those of `batchSize` unless given.
  ///   - validationFrequency: the number of epochs from one validation to the next.
  /// - Returns: losses and metrics of every epoch.
  /// - Throws: ``EngineError`` on data that does not fit, on any rank that meets an error.
  @discardableResult
  public func fit(
    x: some Encodable, y: some Encodable = Structure.none, batchSize: Int? = nil, epochs: Int = 1,
    verbose: Verbosity = .auto, callbacks: [Callback] = [], validationSplit: Double = 0,
    validationData: ValidationData? = nil, shuffle: Bool = true,
    classWeight: [Int: Double]? = nil, sampleWeight: Tensor? = nil, initialEpoch: Int? = nil,
    stepsPerEpoch: Int? = nil, validationSteps: Int? = nil, validationBatchSize: Int? = nil,
    validationFrequency: Int = 1
  ) throws -> History {
    try DistributionContext.refuseUnjoinedRanks(strategy)
    try requireAtLeastOne(("stepsPerEpoch", stepsPerEpoch), ("validationSteps", validationSteps))
    try requireAtLeastOne(
      ("validationBatchSize", validationBatchSize), ("validationFrequency", validationFrequency))
    for (name, value) in [("epochs", epochs), ("initialEpoch", initialEpoch ?? 0)] where value < 0 {
      throw EngineError.invalidArgument(message: "\(name) is \(value): it must be at least 0")
    }
    // Callbacks, class weights and the encoding of data compute with tensors too.
    return try withErrors {
      try withRun(Activity.fit) { run in
        let given = Result {
          let x = try SampleStructure.encode(x, "x of fit")
          let y = try SampleStructure.encode(y, "y of fit")
          try requireLabels(y, run)
          var training = try Dataset(
            x: x, y: y, sampleWeight: sampleWeight, classWeight: classWeight)
          var validation = try validationData.map {
            try Dataset(x: $0.x, y: $0.y, sampleWeight: $0.sampleWeight)
          }
          if validation == nil, validationSplit != 0 {
            let unweighted = try Dataset(x: x, y: y, sampleWeight: sampleWeight)
            (training, validation) = try split(training, unweighted, fraction: validationSplit)
          }
          try throwReportedError()
          let first = initialEpoch ?? 0
          return try FitRun(
            run, training: training, validation: validation, batchSize: batchSize,
            stepsPerEpoch: stepsPerEpoch, validationSteps: validationSteps,
            validationBatchSize: validationBatchSize, validationFrequency: validationFrequency,
            epochs: first..<max(first, epochs),
            ordersBefore: initialEpoch == nil ? trainedEpochs : 0, shuffle: shuffle)
        }
        // Ranks that run different numbers of steps would wait for each other for ever.
        let fit = try run.agreed(given) { fit in
          fit.agreement + callbacks.map { "callback \(type(of: $0))" }
        }
        return try fit.train(verbose: verbose, callbacks: callbacks)
      }
    }
  }

  /// The first part of `dataset` to train on, and the last part of `unweighted` to validate on: the same samples without
  /// class weights, as in Keras.
  private func split(
    _ dataset: Dataset, _ unweighted: Dataset, fraction: Double
  ) throws -> (Dataset, Dataset) {
    guard fraction > 0, fraction < 1 else {
      throw EngineError.invalidArgument(
        message: "validationSplit is \(fraction): it must be at least 0 and below 1")
    }
    let boundary = samplesLeft(of: dataset.count, holdingOut: fraction)
    guard boundary > 0, boundary < dataset.count else {
      throw EngineError.data(
        message: "\(dataset.count) samples cannot be split with validationSplit \(fraction): one "
          + "part would be empty; give more samples or validationData")
    }
    return (try dataset.slice(0..<boundary), try unweighted.slice(boundary..<dataset.count))
  }

  /// Finds out before the first batch that labels are missing.
  func requireLabels(_ y: Structure, _ run: Run) throws {
    guard y.tensorCount == 0 else { return }
    func needLabels(_ requirements: [Requirement]) -> Bool {
      requirements.contains { $0.name == "yTrue" && !$0.isOptional }
    }
    let askers =
      losses.filter { needLabels($0.requirements) }.map { "loss \($0.loss.name)" }
      + ownMetrics.filter { needLabels($0.requirements) }.map { "metric \($0.name)" }
    guard askers.isEmpty else {
      throw EngineError.injection(
        message: "\(askers.joined(separator: ", ")) asks for yTrue, but \(run.name) was given no y")
    }
  }
}

/// What one call of `fit` is asked to do.
private struct FitRun {
  let run: Run
  let training: Dataset
  let validation: Dataset?
  let batchSize: Int
  let steps: Int
  let validationSteps: Int?
  let validationBatchSize: Int
  let validationFrequency: Int
  let epochs: Range<Int>
  /// How many orders of samples earlier calls have used.
  let ordersBefore: Int
  let shuffle: Bool

  var model: Model { run.model }

  init(
    _ run: Run, training: Dataset, validation: Dataset?, batchSize: Int?, stepsPerEpoch: Int?,
    validationSteps: Int?, validationBatchSize: Int?, validationFrequency: Int,
    epochs: Range<Int>, ordersBefore: Int, shuffle: Bool
  ) throws {
    self.run = run
    self.training = training
    self.validation = validation
    self.validationSteps = validationSteps
    self.validationFrequency = max(validationFrequency, 1)
    self.epochs = epochs
    self.ordersBefore = ordersBefore
    self.shuffle = shuffle
    guard training.count > 0 else {
      throw EngineError.data(message: "there are no samples to train on")
    }
    let size = try Self.batchSize(batchSize, samples: training.count, steps: stepsPerEpoch)
    self.batchSize = size
    let all = (training.count + size - 1) / size
    if let stepsPerEpoch, stepsPerEpoch > all {
      logger.warning(
        "stepsPerEpoch is \(stepsPerEpoch), but \(training.count) samples give \(all) steps of \(size)"
      )
    }
    steps = min(stepsPerEpoch ?? all, all)
    self.validationBatchSize = validationBatchSize ?? size
  }

  /// What all ranks must be given alike.
  var agreement: [String] {
    let sets = [("", training)] + (validation.map { [("validation ", $0)] } ?? [])
    return sets.flatMap { name, set in set.formLines.map { name + $0 } } + [
      "validation: \(validation == nil ? "none" : "given")", "batchSize: \(batchSize)",
      "steps: \(steps)", "epochs: \(epochs)", "shuffle: \(shuffle)",
      "epochs trained before: \(ordersBefore)",
      "validationSteps: \(validationSteps.map { "\($0)" } ?? "all")",
      "validationBatchSize: \(validationBatchSize)",
      "validationFrequency: \(validationFrequency)",
    ] + sets.map { $0 + $1.valueLine }
  }

  static func batchSize(_ given: Int?, samples: Int, steps: Int?) throws -> Int {
    guard let given else {
      return steps.map { max(1, (samples + $0 - 1) / max($0, 1)) } ?? min(32, samples)
    }
    guard given > 0 else {
      throw EngineError.invalidArgument(message: "batchSize is \(given): it must be at least 1")
    }
    guard given <= samples else {
      throw EngineError.invalidArgument(
        message: "batchSize \(given) is larger than the data: there are \(samples) samples to "
          + "train on; choose a batchSize of at most \(samples)")
    }
    return given
  }

  func train(verbose: Verbosity, callbacks: [Callback]) throws -> History {
    model.stopTraining = false
    let rows = Sharding.slice(
      count: min(batchSize, training.count), rank: model.communicator.rank,
      size: model.communicator.size)
    try model.build(training, rows: rows.count)
    let list = CallbackList(
      callbacks, model: model,
      parameters: RunParameters(
        epochs: epochs.upperBound, steps: steps, samples: training.count, batchSize: batchSize,
        hasValidation: validation != nil, verbosity: verbose))
    let states = try FitStates(
      run, list, lines: agreement, lastEpoch: epochs.upperBound)
    defer { states.close() }
    guard let begin = try beginning(list, states) else { return list.history }
    var (logs, place) = (begin.logs, begin.place)
    while place.epoch < epochs.upperBound, !place.isEnded {
      run.enter(epoch: place.epoch)
      logs = try trainEpoch(place, list, states)
      run.enter(epoch: nil)
      place.isEnded = try model.endsAfterEpoch()
      place.epoch += 1
      place.step = 0
      try states.afterEpoch(place, logs)
    }
    if model.driftInterval > 0 { try model.compareWeights() }
    if !epochs.isEmpty { model.optimizer?.finalizeVariables() }
    try list.trainEnd(logs)
    try states.end(place, logs)
    model.history = list.history
    return list.history
  }

  /// Where the call begins, with the logs of the epoch before; nil where it was over before the program was started again. In the middle of an epoch the callbacks have begun it.
  private func beginning(
    _ list: CallbackList, _ states: FitStates
  ) throws -> (place: TrainingPlace, logs: Logs)? {
    switch try states.start() {
    case .over: return nil
    case .fresh:
      try list.trainBegin()
      return (
        TrainingPlace(
          call: 0, epoch: epochs.lowerBound, step: 0, ordersBefore: ordersBefore,
          lastEpoch: epochs.upperBound, isEnded: false), [:]
      )
    case .state(let state, var place):
      list.setResumed()
      place.lastEpoch = epochs.upperBound
      // What callbacks do at the beginning they had done before the state was saved.
      try model.keepingVariables {
        try list.trainBegin()
        if place.step > 0, place.epoch < epochs.upperBound { try list.epochBegin(place.epoch) }
      }
      if place.step > 0 { try model.applyCounts(of: state) }
      try states.restoreCallbacks(state)
      return (
        place, Logs(uniqueKeysWithValues: state.info.logs.map { ($0.name, $0.value.value) })
      )
    }
  }

  private func trainEpoch(
    _ begin: TrainingPlace, _ list: CallbackList, _ states: FitStates
  ) throws -> Logs {
    let epoch = begin.epoch
    if begin.step == 0 {
      try list.epochBegin(epoch)
      // After the callbacks: one may have run batches of its own, which are none of this epoch's.
      model.resetMetrics()
      try model.synchronizeKey()
      model.beginStatistics(run)
    }
    // An epoch that is broken off has been begun: the next one has another order.
    model.trainedEpochs = begin.ordersBefore + epoch + 1
    let order =
      shuffle
      ? Permutation.shuffled(
        count: training.count, seed: model.seed, epoch: begin.ordersBefore + epoch) : nil
    // Reading metrics is a collective: the steps at which it happens must be the same on all ranks.
    let shown = list.batchLogSteps(steps)
    let batches = BatchSequence(run, .train, training, order: order, batchSize: batchSize)
    var place = begin
    for step in begin.step..<max(steps, begin.step) {
      try list.trainBatchBegin(step)
      model.castStopVote()
      states.castVotes()
      try batches.run(step)
      let logs = shown.contains(step) ? try model.currentLogs() : [:]
      try list.trainBatchEnd(step, logs)
      try model.checkDrift(after: step)
      // The epoch ends at once, and its state is saved after that.
      if model.endsAfterStep() { break }
      place.step = step + 1
      try states.afterStep(place)
    }
    var logs = try model.currentLogs()
    try model.synchronizeStatistics()
    if let validation, (epoch + 1) % validationFrequency == 0 {
      let results = try run.evaluate(
        validation, batchSize: validationBatchSize, steps: validationSteps, list)
      for (name, value) in results { logs["val_" + name] = value }
    }
    if model.learningRateSchedule != nil { logs["learning_rate"] = model.learningRate }
    return try list.epochEnd(epoch, logs)
  }
}
