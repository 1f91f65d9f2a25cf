/// The sums over all ranks of the tensors in `value`, in every rank: a loss, the counts of a metric.
///
/// At once, or as a part of what `jit` compiles: there tensors go in buckets, as the gradients of `fit` do. One process gets
/// `value` back. Gradients go through it as if there were one rank.
///
/// Collective: every rank calls it with tensors of the same shapes and types.
///
/// - Parameters:
///   - value: a tensor, or any Codable structure of tensors: a ``ModuleTree``, a dictionary, a struct.
///   - operation: sum; or the smallest or largest of the ranks, at once only, without a gradient.
/// - Returns: the results, in the form and the shapes of `value`.
/// - Throws: what the communicator throws, and ``EngineError/distribution(message:)`` for `min` and `max` in a trace.
public func allReduce<Value: Codable>(
  _ value: Value, _ operation: ReduceOperation = .sum
) throws -> Value {
  var ranks = Ranks()
  return try ranks.allReduce(value, operation)
}

extension Ranks {
  /// The sums over these ranks of the tensors in `value`, in each of them, as the function ``allReduce(_:_:)`` does for all ranks.
  ///
  /// - Parameters:
  ///   - value: a tensor, or any Codable structure of tensors.
  ///   - operation: sum; or the smallest or largest of the ranks, at once only, without a gradient.
  /// - Returns: the results, in the form and the shapes of `value`.
  /// - Throws: what the communicator throws, and ``EngineError/distribution(message:)`` for `min` and `max` in a trace.
  public mutating func allReduce<Value: Codable>(
    _ value: Value, _ operation: ReduceOperation = .sum
  ) throws -> Value {
    guard operation == .sum else { return try extremes(of: value, operation, over: communicator) }
    let reduction = DistributionContext.strategy.gradientReduction as? BucketedAllReduce
    // What is no gradient is exact.
    return try sums(
      of: value, by: BucketedAllReduce(limits: reduction?.limits), over: communicator)
  }
}

/// Gradients added over all ranks in a loop of your own, in the way of the strategy (``GradientReduction``), which need not be
/// exact; shapes, errors and all else as for ``allReduce(_:_:)``, which throws what the communicator throws.
///
/// ```swift
/// let (loss, gradients) = try valueAndGrad(of: net) { ... }  // of this rank's share
/// try optimizer.update(try reduceGradients(gradients), net)
/// ```
public func reduceGradients<Gradients: Codable>(_ gradients: Gradients) throws -> Gradients {
  let reduction = DistributionContext.strategy.gradientReduction
  return try sums(
    of: gradients, by: reduction ?? BucketedAllReduce(),
    over: DistributionContext.strategy.communicator
  ) { structure in
    GradientWatch(names: structure.leaves.map(\.path.pathDescription), looks: false)
  }
}

private func extremes<Value: Codable>(
  of value: Value, _ operation: ReduceOperation, over communicator: any Communicator
) throws -> Value {
  guard communicator.size > 1 else { return value }
  let structure = try StructureEncoder().encode(value)
  let results = try structure.tensors.map { tensor in
    if tensor.isTraced {
      throw EngineError.distribution(
        message: "allReduce(\(operation)) works on values only: call it outside of jit")
    }
    return try Tensor(shape: tensor.shape, dtype: tensor.dtype) { target in
      tensor.withUnsafeBytes { bytes in
        if let source = bytes.baseAddress {
          target.copyMemory(from: source, byteCount: bytes.count)
        }
      }
      try communicator.allReduce(
        target, count: tensor.elementCount, dtype: tensor.dtype, operation: operation)
    }
  }
  return try StructureDecoder().decode(
    Value.self, from: structure.replacingTensors(with: results))
}

private func sums<Value: Codable>(
  of value: Value, by reduction: any GradientReduction, over communicator: any Communicator,
  watch: (Structure) -> GradientWatch? = { _ in nil }
) throws -> Value {
  guard communicator.size > 1 else { return value }
  let structure = try StructureEncoder().encode(value)
  let sums = try GradientWatch.$current.withValue(watch(structure)) {
    try reduction.sums(of: structure.tensors, over: communicator)
  }
  return try StructureDecoder().decode(Value.self, from: structure.replacingTensors(with: sums))
}
