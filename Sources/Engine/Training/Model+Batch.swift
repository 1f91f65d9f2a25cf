import Tensors

extension Model {
  /// One training step on a batch (over all ranks together), and the losses and metrics since the last reset.
  ///
  /// Collective: every rank must call it. Ranks compare the arguments at every call; settings and weights at the first one, and
  /// then after every ``driftInterval`` calls.
  ///
  /// - Parameters:
  ///   - x: what the module takes; the samples of all ranks.
  ///   - y: labels of any form; not needed when no loss or metric asks for `yTrue`.
  ///   - sampleWeight: one weight a sample, or weights that fit the losses' values.
  ///   - classWeight: multiplies the loss of each sample by the weight of its class, from class 0 on.
  ///   - resetMetrics: false to go on counting from earlier batches.
  /// - Returns: values by name, `loss` first; the same on every rank.
  /// - Throws: ``EngineError`` on data that does not fit.
  @discardableResult
  public func trainOnBatch(
    x: some Encodable, y: some Encodable = Structure.none, sampleWeight: Tensor? = nil,
    classWeight: [Int: Double]? = nil, resetMetrics: Bool = true
  ) throws -> Logs {
    try DistributionContext.refuseUnjoinedRanks(strategy)
    return try withRun(Activity.trainOnBatch) {
      try onBatch($0, .train, x, y, sampleWeight, classWeight, reset: resetMetrics)
    }
  }

  /// Losses and metrics of one batch, without training.
  ///
  /// Collective: every rank must call it. Ranks compare what they compare in
  /// ``trainOnBatch(x:y:sampleWeight:classWeight:resetMetrics:)``.
  ///
  /// - Parameters:
  ///   - x: what the module takes; the samples of all ranks.
  ///   - y: labels of any form; not needed when no loss or metric asks for `yTrue`.
  ///   - sampleWeight: one weight a sample, or weights that fit the losses' values.
  ///   - resetMetrics: false to go on counting from earlier batches.
  /// - Returns: values by name, `loss` first; the same on every rank.
  /// - Throws: ``EngineError`` on data that does not fit.
  public func testOnBatch(
    x: some Encodable, y: some Encodable = Structure.none, sampleWeight: Tensor? = nil,
    resetMetrics: Bool = true
  ) throws -> Logs {
    try withRun(Activity.testOnBatch) {
      try onBatch($0, .test, x, y, sampleWeight, nil, reset: resetMetrics)
    }
  }

  /// The module's outputs for one batch.
  ///
  /// Collective: every rank must call it.
  ///
  /// - Parameters:
  ///   - x: what the module takes; the samples of all ranks.
  ///   - type: the form of the result.
  /// - Returns: a tensor, or an array, dictionary or struct of tensors, of the form that the module gives.
  /// - Throws: ``EngineError`` on data that does not fit, or when the output has another form than `Output`.
  public func predictOnBatch<Output: Decodable>(
    x: some Encodable, as type: Output.Type = Output.self
  ) throws -> Output {
    let structure = try StructureEncoder().encode(x)
    let rows = structure.tensors.first?.shape.first ?? 1
    return try predict(x: structure, batchSize: max(rows, 1))
  }

  private func onBatch(
    _ run: Run, _ mode: StepMode, _ x: some Encodable, _ y: some Encodable, _ sampleWeight: Tensor?,
    _ classWeight: [Int: Double]?, reset: Bool
  ) throws -> Logs {
    let given = Result {
      let encoder = StructureEncoder()
      let labels = try encoder.encode(y)
      try requireLabels(labels, run)
      let dataset = try Dataset(
        x: try encoder.encode(x), y: labels, sampleWeight: sampleWeight, classWeight: classWeight)
      try dataset.requireSamples(run)
      return dataset
    }
    let dataset = try run.agreed(given, comparesModel: comparesAtBatchCall()) {
      ["driftInterval: \(driftInterval)"] + $0.formLines + ["resetMetrics: \(reset)", $0.valueLine]
    }
    try build(dataset, rows: dataset.count)
    if reset { resetMetrics() }
    beginStatistics(run)
    try BatchSequence(run, mode, dataset, batchSize: dataset.count).run(0)
    if mode == .train { try synchronizeStatistics() }
    return try currentLogs()
  }

  /// Whether ranks compare settings and weights at this call: at the first one, and after every ``driftInterval`` calls.
  private func comparesAtBatchCall() -> Bool {
    guard communicator.size > 1 else { return false }
    defer { batchCalls += 1 }
    return batchCalls == 0 || (driftInterval > 0 && batchCalls % driftInterval == 0)
  }
}
