import OrderedCollections
import Tensors

extension Model {
  /// Losses and metrics on data, each sample counted once, whatever the number of ranks.
  ///
  /// - `batchSize`: samples of one step over all ranks. It changes no mean over samples; it does change what is not one: a
  ///   loss over the steps that a mask leaves (each batch divides by its own steps, as in Keras), one with the
  ///   reduction `sum`, one that `addLoss` gives for a batch as a whole.
  /// - `steps`: stops early.
  /// - Returns: values by name, `loss` first; the same on every rank.
  ///
  /// Collective: every rank must call it. One rank can do it by itself inside ``alone(_:)``.
  /// - Throws: ``EngineError`` on data that does not fit.
  public func evaluate(
    x: some Encodable, y: some Encodable = Structure.none, batchSize: Int = 32,
    sampleWeight: Tensor? = nil, steps: Int? = nil, callbacks: [Callback] = []
  ) throws -> Logs {
    try requireAtLeastOne(("batchSize", batchSize), ("steps", steps))
    return try withErrors {
      try at(Activity.evaluate) {
        try evaluateReporting(
          x: x, y: y, batchSize: batchSize, sampleWeight: sampleWeight, steps: steps,
          callbacks: callbacks)
      }
    }
  }

  private func evaluateReporting(
    x: some Encodable, y: some Encodable, batchSize: Int, sampleWeight: Tensor?, steps: Int?,
    callbacks: [Callback]
  ) throws -> Logs {
    let given = Result {
      let structure = try SampleStructure.encode(y, "y of evaluate")
      try requireLabels(structure, "evaluate")
      let dataset = try Dataset(
        x: try SampleStructure.encode(x, "x of evaluate"), y: structure, sampleWeight: sampleWeight
      )
      try dataset.requireSamples("evaluate")
      return dataset
    }
    let dataset = try agreeOnRun("evaluate", given) {
      $0.formLines
        + ["batchSize: \(batchSize)", "steps: \(steps.map { "\($0)" } ?? "all")", $0.valueLine]
    }
    try build(dataset, rows: min(batchSize, dataset.count))
    let list = CallbackList(
      callbacks, model: self,
      parameters: RunParameters(samples: dataset.count, verbosity: .silent))
    return try evaluate(dataset, batchSize: batchSize, steps: steps, list)
  }

  func evaluate(
    _ dataset: Dataset, batchSize: Int, steps: Int?, _ callbacks: CallbackList
  ) throws -> Logs {
    guard batchSize > 0 else {
      throw EngineError.invalidArgument(message: "batchSize is \(batchSize): it must be at least 1")
    }
    resetMetrics()
    try callbacks.testBegin()
    let order = (0..<Int64(dataset.count)).map { $0 }
    let all = (dataset.count + batchSize - 1) / batchSize
    let batches = BatchSequence(self, .test, dataset, order: order, batchSize: batchSize)
    for step in 0..<min(steps ?? all, all) {
      try callbacks.testBatchBegin(step)
      try batches.run(step)
      try callbacks.testBatchEnd(step, [:])
    }
    let logs = try currentLogs()
    try callbacks.testEnd(logs)
    return logs
  }
}
