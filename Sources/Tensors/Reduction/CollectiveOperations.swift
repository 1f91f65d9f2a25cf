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

/// The tensors of all ranks one after the other: `[rows, ...]` becomes `[ranks * rows, ...]`, the same on every rank.
///
/// The gradient is this rank's part of the sum over ranks of what arrives.
struct AllGatherOperation: CollectivePrimitive {
  private let ranks: MeetingRanks

  init(_ communicator: any Communicator) { ranks = MeetingRanks(communicator) }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let shape = inputs[0].shape.dimensions
    guard let rows = shape.first else {
      throw .shape(operation: name, message: "a scalar has no axis to put the ranks' parts on")
    }
    return [
      TensorSpec(Shape([rows * ranks.communicator.size] + shape.dropFirst()), inputs[0].dtype)
    ]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, y, communicator) = (inputs[0], outputs[0], ranks.communicator)
    let counts = [Int](repeating: x.elementCount, count: communicator.size)
    return {
      try communicator.allGather(x.pointer, counts: counts, dtype: x.dtype, into: y.pointer)
    }
  }

  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(ReduceScatterOperation(ranks.communicator), c.g)]
  }
}

/// This rank's part of the sum over ranks: `[rows, ...]` is cut along its first axis as ``Sharding`` cuts a batch.
///
/// The gradient is that of all parts, put together.
struct ReduceScatterOperation: CollectivePrimitive {
  private let ranks: MeetingRanks

  init(_ communicator: any Communicator) { ranks = MeetingRanks(communicator) }

  private func part(of rows: Int) -> Range<Int> {
    Sharding.slice(
      count: rows, rank: ranks.communicator.rank, size: ranks.communicator.size)
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let shape = inputs[0].shape.dimensions
    guard let rows = shape.first else {
      throw .shape(operation: name, message: "a scalar has no axis to cut")
    }
    guard inputs[0].dtype != .bool else {
      throw .dtype(operation: name, message: "booleans have no sum: cast to int32")
    }
    return [TensorSpec(Shape([part(of: rows).count] + shape.dropFirst()), inputs[0].dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, y, communicator) = (inputs[0], outputs[0], ranks.communicator)
    let rowBytes = x.elementCount * x.dtype.size / max(x.shape[0], 1)
    let start = part(of: x.shape[0]).lowerBound * rowBytes
    let bytes = x.elementCount * x.dtype.size
    let sum = Storage(byteCount: bytes)
    return {
      sum.pointer.copyMemory(from: x.pointer, byteCount: bytes)
      try communicator.allReduce(
        sum.pointer, count: x.elementCount, dtype: x.dtype, operation: .sum)
      y.pointer.copyMemory(from: sum.pointer + start, byteCount: y.elementCount * y.dtype.size)
    }
  }

  func gradient(_ c: GradientContext) -> [Tensor?] {
    // Parts may differ by a row: each rank puts its own into zeros, and all are added.
    let rows = c.inputs[0].shape[0]
    let part = part(of: rows)
    var widths = c.g.shape.dimensions.map { _ in (before: 0, after: 0) }
    widths[0] = (before: part.lowerBound, after: rows - part.upperBound)
    let padded = pad(c.g, widths)
    return [crossRankSum(padded, over: ranks.communicator)]
  }
}
