/// The value of rank `root`, on every rank: a tensor, a string, or any Codable structure of numbers, strings and tensors.
///
/// Called at once on values, what the other ranks give is not looked at. As a part of what `jit` compiles or a gradient is taken of,
/// tensors must have one shape on all ranks; the gradient goes to rank `root`. One process gets `value` back.
///
/// Collective: every rank calls it.
///
/// - Throws: what the communicator throws.
public func broadcast<Value: Codable>(_ value: Value, from root: Int = 0) throws -> Value {
  var ranks = Ranks()
  return try ranks.broadcast(value, from: root)
}

/// The values of all ranks, in the order of ranks, on every rank: tensors, strings, or any Codable structures.
///
/// Called at once on values, those of the ranks may differ in form and shape. As a part of what `jit` compiles or a gradient is taken
/// of, tensors must have one shape on all ranks; the gradient of a rank's value is the sum over ranks of what arrives.
///
/// Collective: every rank calls it.
///
/// - Throws: what the communicator throws.
public func allGather<Value: Codable>(_ value: Value) throws -> [Value] {
  var ranks = Ranks()
  return try ranks.allGather(value)
}

/// This rank's part of the sum of `x` over all ranks; `x` `[rows, ...]`, of one shape on all ranks, is cut along its first axis as a
/// batch is (``Sharding``). At once, in `jit`, and with a gradient.
///
/// Collective: every rank calls it.
public func reduceScatter(_ x: Tensor) -> Tensor {
  var ranks = Ranks()
  return ranks.reduceScatter(x)
}

/// Returns when every rank has called it.
///
/// - Throws: what the communicator throws.
public func barrier() throws {
  var ranks = Ranks()
  try ranks.barrier()
}

extension Ranks {
  /// The value of one of these ranks on all of them, as the function ``broadcast(_:from:)`` does for all ranks; `root` is its number among these ranks.
  ///
  /// - Throws: what the communicator throws, and when there is no rank `root`.
  public mutating func broadcast<Value: Codable>(
    _ value: Value, from root: Int = 0
  ) throws -> Value {
    let communicator = communicator
    try CollectiveArguments.check(broadcasting: 0, root: root, size: communicator.size)
    guard communicator.size > 1 else { return value }
    let structure = try StructureEncoder().encode(value)
    if structure.isRecorded {
      let tensors = structure.tensors.map {
        apply1(BroadcastOperation(communicator, root: root), $0)
      }
      return try StructureDecoder().decode(
        Value.self, from: structure.replacingTensors(with: tensors))
    }
    let own = communicator.rank == root ? try StructureMessage.bytes(of: structure) : []
    let bytes = try communicator.named("a value of rank \(communicator.numberInRun(of: root))") {
      try communicator.broadcast(bytes: own, root: root)
    }
    return try StructureDecoder().decode(Value.self, from: StructureMessage.structure(of: bytes))
  }

  /// The values of these ranks, in their order, on each of them, as the function ``allGather(_:)`` does for all ranks.
  ///
  /// - Throws: what the communicator throws.
  public mutating func allGather<Value: Codable>(_ value: Value) throws -> [Value] {
    let communicator = communicator
    guard communicator.size > 1 else { return [value] }
    let structure = try StructureEncoder().encode(value)
    if structure.isRecorded {
      let gathering = structure.tensors.map { tensor in
        apply1(
          AllGatherOperation(communicator, rows: communicator.size), tensor.expandDims(axis: 0))
      }
      return try (0..<communicator.size).map { rank in
        let tensors = gathering.map { $0[rank] }
        return try StructureDecoder().decode(
          Value.self, from: structure.replacingTensors(with: tensors))
      }
    }
    let own = try StructureMessage.bytes(of: structure)
    let all = try communicator.named("values of all ranks") {
      try communicator.allGather(bytes: own)
    }
    return try all.map {
      try StructureDecoder().decode(Value.self, from: StructureMessage.structure(of: $0))
    }
  }

  /// This rank's part of the sum of `x` over these ranks, as the function ``reduceScatter(_:)`` does for all ranks: `[rows, ...]` is cut for them.
  public mutating func reduceScatter(_ x: Tensor) -> Tensor {
    let communicator = communicator
    return communicator.size == 1 ? x : apply1(ReduceScatterOperation(communicator), x)
  }

  /// Returns when each of these ranks has called it.
  ///
  /// - Throws: what the communicator throws.
  public mutating func barrier() throws { try communicator.barrier() }
}

extension Structure {
  /// Whether a tensor is part of a trace or of what a gradient is taken of.
  fileprivate var isRecorded: Bool { tensors.contains { $0.isTraced || $0.node != nil } }
}
