/// The tensor of one rank, on all of them.
///
/// Input and output have the same shape and type on every rank. The gradient of the root's input is the sum over ranks of what arrives;
/// what the others bring is not used.
struct BroadcastOperation: CollectivePrimitive {
  let root: Int
  private let ranks: MeetingRanks

  init(_ communicator: any Communicator, root: Int) {
    ranks = MeetingRanks(communicator)
    self.root = root
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, y, communicator, root) = (inputs[0], outputs[0], ranks.communicator, root)
    return {
      y.pointer.copyMemory(from: x.pointer, byteCount: x.elementCount * x.dtype.size)
      try communicator.broadcast(y.pointer, count: y.elementCount, dtype: y.dtype, root: root)
    }
  }

  func gradient(_ c: GradientContext) -> [Tensor?] {
    let total = crossRankSum(c.g, over: ranks.communicator)
    return [ranks.communicator.rank == root ? total : total * 0]
  }
}

/// The parts of all ranks put together, the same on every rank: what ``Sharding`` has cut.
///
/// Each rank brings its part `[own rows, ...]` of `rows` rows and gets `[rows, ...]`. The gradient is this rank's part of the sum over
/// ranks of what arrives.
struct AllGatherOperation: CollectivePrimitive {
  private let ranks: MeetingRanks
  private let rows: Int
  private let isGradientSummed: Bool

  /// - `isGradientSummed`: whether what arrives in the backward pass is a sum over ranks already, the same on all of them.
  init(_ communicator: any Communicator, rows: Int, isGradientSummed: Bool = false) {
    ranks = MeetingRanks(communicator)
    self.rows = rows
    self.isGradientSummed = isGradientSummed
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    return [TensorSpec(Shape([rows] + inputs[0].shape.dropFirst()), inputs[0].dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, y, communicator) = (inputs[0], outputs[0], ranks.communicator)
    let counts = ranks.counts(of: y.shape)
    return {
      try communicator.allGather(x.pointer, counts: counts, dtype: x.dtype, into: y.pointer)
    }
  }

  func gradient(_ c: GradientContext) -> [Tensor?] {
    isGradientSummed
      ? [c.g[ranks.part(of: rows)]] : [apply1(ReduceScatterOperation(ranks.communicator), c.g)]
  }
}

/// This rank's part of the sum over ranks: `[rows, ...]` is cut along its first axis as ``Sharding`` cuts a batch.
///
/// The gradient is that of all parts, put together.
struct ReduceScatterOperation: CollectivePrimitive {
  private let ranks: MeetingRanks

  init(_ communicator: any Communicator) { ranks = MeetingRanks(communicator) }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let shape = inputs[0].shape.dimensions
    guard let rows = shape.first else {
      throw .shape(operation: name, message: "a scalar has no axis to cut")
    }
    guard inputs[0].dtype != .bool else {
      throw .dtype(operation: name, message: "booleans have no sum: cast to int32")
    }
    return [TensorSpec(Shape([ranks.part(of: rows).count] + shape.dropFirst()), inputs[0].dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, y, communicator) = (inputs[0], outputs[0], ranks.communicator)
    let counts = ranks.counts(of: x.shape)
    return {
      try communicator.reduceScatter(x.pointer, counts: counts, dtype: x.dtype, into: y.pointer)
    }
  }

  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(AllGatherOperation(ranks.communicator, rows: c.inputs[0].shape[0]), c.g)]
  }
}

extension MeetingRanks {
  /// This rank's part of `rows` rows.
  fileprivate func part(of rows: Int) -> Range<Int> {
    Sharding.slice(count: rows, rank: communicator.rank, size: communicator.size)
  }

  /// How many elements of a tensor, cut along its first axis, each rank has.
  fileprivate func counts(of shape: Shape) -> [Int] {
    let rowCount = shape.dropFirst().reduce(1, *)
    return Sharding.counts(of: shape[0], size: communicator.size).map { $0 * rowCount }
  }
}
