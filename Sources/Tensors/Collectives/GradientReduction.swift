/// How gradients are added over ranks: part of a ``DistributionStrategy``.
///
/// A strategy of one's own wraps another one, to send less, say:
///
/// ```swift
/// struct Halved: GradientReduction {
///   func sums(of gradients: [Tensor], over communicator: any Communicator) throws -> [Tensor] {
///     let rounded = gradients.map { floor($0 * 1024) / 1024 }
///     return try BucketedAllReduce().sums(of: rounded, over: communicator)
///   }
/// }
/// ```
public protocol GradientReduction: Sendable {
  /// The sums over all ranks, in the same order. Traced into a compiled step; called at every step where there is none.
  ///
  /// Every rank calls it with gradients of the same shapes and types and must start the same messages.
  func sums(of gradients: [Tensor], over communicator: any Communicator) throws -> [Tensor]
}
