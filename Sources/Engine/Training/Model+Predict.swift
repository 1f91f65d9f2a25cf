import Tensors

extension Model {
  /// The module's outputs for every sample, in order; on every rank all of them.
  ///
  /// Batches and ranks' shares are put together row by row, so each tensor of the output needs a row for each sample. One
  /// that does not have them (a mean over the batch, or a table of all pairs of samples) can be predicted by one process in
  /// one batch only; elsewhere it is an error, the same on every rank.
  ///
  /// Collective: every rank must call it. One rank can do it by itself inside ``alone(_:)``.
  ///
  /// - Parameters:
  ///   - x: what the module takes, as for `fit`.
  ///   - batchSize: samples of one step over all ranks.
  ///   - callbacks: called before and after, and around each step.
  ///   - type: the form of the result.
  /// - Returns: a tensor, or an array, dictionary or struct of tensors, of the form that the module gives.
  /// - Throws: ``EngineError`` on data that does not fit, or when the output has another form than `Output`.
  public func predict<Output: Decodable>(
    x: some Encodable, batchSize: Int = 32, callbacks: [Callback] = [],
    as type: Output.Type = Output.self
  ) throws -> Output {
    try requireAtLeastOne(("batchSize", batchSize))
    let output = try withErrors {
      try withRun(Activity.predict) { run in
        let given = Result { try Dataset(x: try SampleStructure.encode(x, "x of predict")) }
        let dataset = try run.agreed(given) {
          $0.formLines + ["batchSize: \(batchSize)", $0.valueLine]
        }
        try build(dataset, rows: min(batchSize, dataset.count))
        let list = CallbackList(
          callbacks, model: self,
          parameters: RunParameters(samples: dataset.count, verbosity: .silent))
        return try predict(run, dataset, batchSize: batchSize, list)
      }
    }
    return try StructureDecoder().decode(Output.self, from: output)
  }

  private func predict(
    _ run: Run, _ dataset: Dataset, batchSize: Int, _ callbacks: CallbackList
  ) throws -> Structure {
    try callbacks.predictBegin()
    let sequence = BatchSequence(run, .predict, dataset, batchSize: batchSize)
    let isWhole = communicator.size == 1 && dataset.count <= batchSize
    var batches: [[Tensor]] = []
    var form = Structure.none
    // Also without samples one step runs: it knows the form of the output.
    for index in 0..<max(sequence.count, 1) {
      try callbacks.predictBatchBegin(index)
      let share = Result {
        let (step, rows, outputs) = try sequence.predict(index)
        form = step.outputForm()
        if !isWhole { try requireRows(step, outputs, form, dataset, rows: rows) }
        return outputs
      }
      batches.append(try gathered(share, form, globalRows: sequence.globalRows(of: index)))
      try callbacks.predictBatchEnd(index)
    }
    try callbacks.predictEnd()
    if batches.count == 1 { return try form.replacingTensors(with: batches[0]) }
    try requireEqualRows(batches)
    return try withErrors {
      try form.replacingTensors(
        with: batches[0].indices.map { index in
          concatenate(batches.map { $0[index] }, axis: 0)
        })
    }
  }

  /// Checks that each output has a row for each sample.
  ///
  /// A length that happens to be that of the batch proves nothing: the module is traced once more, on one sample more,
  /// and nothing but the first axis may be longer then.
  private func requireRows(
    _ step: PreparedStep, _ outputs: [Tensor], _ form: Structure, _ dataset: Dataset, rows: Int
  ) throws {
    if step.shapesOfOneMore == nil { step.shapesOfOneMore = shapes(dataset, rows: rows + 1) }
    let larger = step.shapesOfOneMore ?? []
    for (index, output) in outputs.enumerated() {
      let others = output.shape.dimensions.dropFirst()
      // A module that takes no other number of samples says nothing.
      let isLonger = larger.isEmpty || larger[index].dimensions == [rows + 1] + others
      if output.shape.first == rows, isLonger { continue }
      let path = form.leaves[index].path.pathDescription
      throw EngineError.model(
        message: "predict puts batches and the shares of ranks together row by row, but "
          + (path.isEmpty ? "the output" : "output \(path)")
          + " of \(module.typeName) does not have one row for each sample: keep the samples as its "
          + "first axis, or predict all of them in one batch in one process")
    }
  }

  /// The shapes of the outputs for a number of samples; none when the module does not take that number.
  private func shapes(_ dataset: Dataset, rows: Int) -> [Shape] {
    let graph = try? Trace.record(dataset.specs(rows: rows)) { tensors in
      try forward(try dataset.batch(tensors), isTraining: false).output.tensors
    }
    return graph?.outputs.map(\.shape) ?? []
  }

  private func requireEqualRows(_ batches: [[Tensor]]) throws {
    func rows(_ batch: [Tensor]) -> [String] { batch.map(\.rowDescription) }
    let first = rows(batches[0])
    for (index, batch) in batches.enumerated() where rows(batch) != first {
      throw EngineError.model(
        message: "predict puts batches together row by row, but \(module.typeName) gives rows of "
          + "\(first) for the first batch and of \(rows(batch)) for batch \(index)")
    }
  }

  /// The rows of all ranks, in order. A failure of one rank is an error on every rank.
  private func gathered(
    _ share: Result<[Tensor], any Error>, _ form: Structure, globalRows: Int
  ) throws -> [Tensor] {
    // Ranks that hold rows of different lengths would read each other's memory wrongly.
    let outputs = try agreed(share, on: "the predictions") { outputs in
      [form.form] + outputs.map { "rows of \($0.rowDescription)" }
    }
    guard communicator.size > 1 else { return outputs }
    return try communicator.named("the predictions") {
      try outputs.map { try gathered($0, globalRows: globalRows) }
    }
  }

  private func gathered(_ share: Tensor, globalRows: Int) throws -> Tensor {
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

extension Tensor {
  /// Type and shape of a row: `float32 [3, 4]`.
  fileprivate var rowDescription: String {
    "\(dtype) \(Shape(Array(shape.dimensions.dropFirst())))"
  }
}
