import Tensors

extension Model {
  /// One training step on a batch (over all ranks together), and the losses and metrics since the last reset.
  ///
  /// - `resetMetrics`: false to go on counting from earlier batches.
  /// - Throws: ``EngineError`` on data that does not fit.
  @discardableResult
  public func trainOnBatch(
    x: some Encodable, y: some Encodable = Structure.none, sampleWeight: Tensor? = nil,
    classWeight: [Int: Double]? = nil, resetMetrics: Bool = true
  ) throws -> Logs {
    let outer = self.classWeight
    self.classWeight = classWeight
    defer { self.classWeight = outer }
    return try onBatch(.train, x, y, sampleWeight, classWeight, resetMetrics, "trainOnBatch")
  }

  /// Losses and metrics of one batch, without training.
  ///
  /// - Throws: ``EngineError`` on data that does not fit.
  public func testOnBatch(
    x: some Encodable, y: some Encodable = Structure.none, sampleWeight: Tensor? = nil,
    resetMetrics: Bool = true
  ) throws -> Logs {
    try onBatch(.test, x, y, sampleWeight, nil, resetMetrics, "testOnBatch")
  }

  /// The module's outputs for one batch.
  ///
  /// - Throws: ``EngineError`` on data that does not fit.
  public func predictOnBatch<Output: Decodable>(
    x: some Encodable, as type: Output.Type = Output.self
  ) throws -> Output {
    let structure = try StructureEncoder().encode(x)
    let rows = structure.tensors.first?.shape.first ?? 1
    return try predict(x: structure, batchSize: max(rows, 1))
  }

  private func onBatch(
    _ mode: StepMode, _ x: some Encodable, _ y: some Encodable, _ sampleWeight: Tensor?,
    _ classWeight: [Int: Double]?, _ reset: Bool, _ caller: String
  ) throws -> Logs {
    if mode == .train { try DistributionContext.refuseUnjoinedRanks(strategy) }
    return try at(mode == .train ? Activity.trainOnBatch : Activity.testOnBatch) {
      try runOnBatch(mode, x, y, sampleWeight, classWeight, reset, caller)
    }
  }

  private func runOnBatch(
    _ mode: StepMode, _ x: some Encodable, _ y: some Encodable, _ sampleWeight: Tensor?,
    _ classWeight: [Int: Double]?, _ reset: Bool, _ caller: String
  ) throws -> Logs {
    let given = Result {
      let encoder = StructureEncoder()
      let structure = try encoder.encode(y)
      try requireLabels(structure, caller)
      let weights = try classWeight.map {
        try ClassWeights.apply($0, to: structure, sampleWeight: sampleWeight)
      }
      let dataset = try Dataset(
        x: try encoder.encode(x), y: structure, sampleWeight: weights ?? sampleWeight)
      try dataset.requireSamples(caller)
      return dataset
    }
    let dataset = try agreeOnRun(caller, given) {
      $0.formLines + classWeightLines + ["resetMetrics: \(reset)", $0.valueLine]
    }
    try build(dataset, rows: dataset.count)
    if reset { resetMetrics() }
    beginTotals()
    try run(mode, dataset)
    if mode == .train { try synchronizeStatistics() }
    return try currentLogs()
  }
}
