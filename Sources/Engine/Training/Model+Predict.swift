extension Model {
  /// The module's outputs for every sample, in order; on every rank all of them.
  ///
  /// - Parameter batchSize: samples of one step over all ranks.
  /// - Returns: a tensor, or an array, dictionary or struct of tensors, of the form that the module gives.
  /// - Throws: ``EngineError`` on data that does not fit, or when the output has another form than `Output`.
  public func predict<Output: Decodable>(
    x: some Encodable, batchSize: Int = 32, callbacks: [Callback] = [],
    as type: Output.Type = Output.self
  ) throws -> Output {
    let dataset = try Dataset(
      x: try SampleStructure.encode(x, "x of predict"), y: .none, sampleWeight: nil)
    let list = CallbackList(
      callbacks, model: self,
      parameters: RunParameters(samples: dataset.count, verbosity: .silent))
    let output = try predict(dataset, batchSize: batchSize, list)
    return try StructureDecoder().decode(Output.self, from: output)
  }

  private func predict(
    _ dataset: Dataset, batchSize: Int, _ callbacks: CallbackList
  ) throws -> Structure {
    guard batchSize > 0 else {
      throw EngineError.invalidArgument(message: "batchSize is \(batchSize): it must be at least 1")
    }
    try build(dataset, rows: min(batchSize, dataset.count))
    try callbacks.predictBegin()
    let order = (0..<Int64(dataset.count)).map { $0 }
    var batches: [[Tensor]] = []
    var form = Structure.none
    // Also without samples one step runs: it knows the form of the output.
    for (index, start) in stride(from: 0, to: max(dataset.count, 1), by: batchSize).enumerated() {
      try callbacks.predictBatchBegin(index)
      let globalRows = min(batchSize, dataset.count - start)
      let range = Sharding.slice(
        start: start, count: globalRows, rank: communicator.rank, size: communicator.size)
      let step = try step(.predict, dataset, rows: range.count, globalRows: globalRows)
      let outputs = try order.withUnsafeBufferPointer {
        try step.predict(dataset, rows: .init(rebasing: $0[range]))
      }
      form = step.outputForm()
      batches.append(try outputs.map { try gathered($0, globalRows: globalRows) })
      try callbacks.predictBatchEnd(index)
    }
    try callbacks.predictEnd()
    let columns = (batches.first ?? []).indices.map { index in
      batches.count == 1 ? batches[0][index] : concatenate(batches.map { $0[index] }, axis: 0)
    }
    return try form.replacingTensors(with: columns)
  }

  /// The rows of all ranks, in order.
  private func gathered(_ share: Tensor, globalRows: Int) throws -> Tensor {
    guard communicator.size > 1 else { return share }
    guard share.rank > 0 else { return share }
    let rowElements = share.shape.dimensions.dropFirst().reduce(1, *)
    let counts = Sharding.counts(of: globalRows, size: communicator.size).map { $0 * rowElements }
    let shape = Shape([globalRows] + share.shape.dimensions.dropFirst())
    return try Tensor(shape: shape, dtype: share.dtype) { target in
      try share.withUnsafeBytes { bytes in
        try communicator.allGather(
          bytes.baseAddress ?? UnsafeRawPointer(target), counts: counts, dtype: share.dtype,
          into: target)
      }
    }
  }
}
