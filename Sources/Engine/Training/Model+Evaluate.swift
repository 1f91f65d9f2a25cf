import OrderedCollections
import Tensors

extension Model {
  /// Losses and metrics on data, each sample counted once, whatever the number of ranks.
  ///
  /// Collective: every rank must call it. One rank can do it by itself inside ``alone(_:)``.
  ///
  /// - Parameters:
  ///   - x: what the module takes, as for `fit`.
  ///   - y: labels of any form; not needed when no loss or metric asks for `yTrue`.
  ///   - batchSize: samples of one step over all ranks. It changes no mean over samples; it does change what is not one: a
  ///     loss over the steps that a mask leaves (each batch divides by its own steps, as in Keras), one with the
  ///     reduction `sum`, one that `addLoss` gives for a batch as a whole.
  ///   - sampleWeight: one weight a sample, or weights that fit the losses' values.
  ///   - steps: stops early; all steps unless given.
  ///   - callbacks: called before and after, and around each step.
  /// - Returns: values by name, `loss` first; the same on every rank.
  /// - Throws: ``EngineError`` on data that does not fit.
  public func evaluate(
    x: some Encodable, y: some Encodable = Structure.none, batchSize: Int = 32,
    sampleWeight: Tensor? = nil, steps: Int? = nil, callbacks: [Callback] = []
  ) throws -> Logs {
    try requireAtLeastOne(("batchSize", batchSize), ("steps", steps))
    return try withErrors {
      try withRun(Activity.evaluate) { run in
        let given = Result {
          let labels = try SampleStructure.encode(y, "y of evaluate")
          try requireLabels(labels, run)
          let dataset = try Dataset(
            x: try SampleStructure.encode(x, "x of evaluate"), y: labels,
            sampleWeight: sampleWeight)
          try dataset.requireSamples(run)
          return dataset
        }
        let dataset = try run.agreed(given) {
          $0.formLines
            + ["batchSize: \(batchSize)", "steps: \(steps.map { "\($0)" } ?? "all")", $0.valueLine]
        }
        try build(dataset, rows: min(batchSize, dataset.count))
        let list = CallbackList(
          callbacks, model: self,
          parameters: RunParameters(samples: dataset.count, verbosity: .silent))
        return try run.evaluate(dataset, batchSize: batchSize, steps: steps, list)
      }
    }
  }
}

extension Run {
  /// Losses and metrics on a data set: those of `evaluate`, or of the validation of `fit`.
  func evaluate(
    _ dataset: Dataset, batchSize: Int, steps: Int?, _ callbacks: CallbackList
  ) throws -> Logs {
    model.resetMetrics()
    try callbacks.testBegin()
    let batches = BatchSequence(self, .test, dataset, batchSize: batchSize)
    for step in 0..<min(steps ?? batches.count, batches.count) {
      try callbacks.testBatchBegin(step)
      try batches.run(step)
      try callbacks.testBatchEnd(step, [:])
    }
    let logs = try model.currentLogs()
    try callbacks.testEnd(logs)
    return logs
  }
}
