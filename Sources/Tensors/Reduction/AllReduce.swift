/// The sums over all ranks of the tensors in `value`, in every rank: gradients in a loop of your own, counts of a metric.
///
/// ```swift
/// let (loss, gradients) = try valueAndGrad(of: net) { ... }  // of this rank's share
/// try optimizer.update(try allReduce(gradients), net)
/// ```
///
/// At once, or as a part of what `jit` compiles: there tensors go in buckets, as the gradients of `fit` do. One process gets
/// `value` back. Gradients go through it as if there were one rank.
///
/// Collective: every rank calls it with tensors of the same shapes and types.
///
/// - Parameter value: a tensor, or any Codable structure of tensors: a ``ModuleTree``, a dictionary, a struct.
/// - Throws: what the communicator throws.
public func allReduce<Value: Codable>(_ value: Value) throws -> Value {
  let strategy = DistributionContext.strategy
  guard strategy.replicaCount > 1 else { return value }
  let structure = try StructureEncoder().encode(value)
  let reduction = strategy.gradientReduction ?? BucketedAllReduce()
  let sums = try reduction.sums(of: structure.tensors, over: strategy.communicator)
  return try StructureDecoder().decode(Value.self, from: structure.replacingTensors(with: sums))
}
