/// Gradients lie in flat buckets in a compiled step, and each bucket is one nonblocking message, started as soon as its last
/// gradient is there.
///
/// The buckets depend on the gradients' order, shapes and types only, so that every rank has the same ones. Without a
/// compiled step each gradient is a message of its own.
public struct BucketedAllReduce: GradientReduction {
  /// How large the messages are.
  public let limits: BucketLimits

  /// Buckets of these numbers of bytes.
  public init(limits: BucketLimits = .standard) { self.limits = limits }

  /// The sums over all ranks, in the same order and shapes.
  ///
  /// - Throws: what the communicator throws, where there is no compiled step.
  public func sums(
    of gradients: [Tensor], over communicator: any Communicator
  ) throws -> [Tensor] {
    guard Trace.active != nil else {
      return try gradients.map { try Self.sum($0, over: communicator) }
    }
    var started: [(bucket: GradientBucket, members: [Int], tensors: [Tensor])] = []
    for members in BucketPlan(gradients.map(\.spec), limits: limits).buckets {
      let bucket = GradientBucket(communicator, members: members)
      let dtype = gradients[members[0]].dtype
      let seal = BucketSeal.isUsed(dtype) ? [Tensor.zeros([BucketSeal.count], dtype: dtype)] : []
      let inputs = members.map { gradients[$0] } + seal
      // Traced also where every gradient of a bucket is a constant, zero for unused parameters: other ranks may have more.
      let start = Node(
        primitive: AllReduceStart(bucket: bucket), inputs: inputs, outputs: inputs.map(\.spec),
        values: [])
      started.append((bucket, members, inputs.indices.map(start.output)))
    }
    var sums = gradients
    for (bucket, members, tensors) in started {
      let results = apply(AllReduceWait(bucket: bucket), tensors)
      for (member, result) in zip(members, results) { sums[member] = result }
    }
    return sums
  }

  private static func sum(
    _ gradient: Tensor, over communicator: any Communicator
  ) throws -> Tensor {
    try Tensor(shape: gradient.shape, dtype: gradient.dtype) { pointer in
      gradient.withUnsafeBytes { bytes in
        if let source = bytes.baseAddress {
          pointer.copyMemory(from: source, byteCount: bytes.count)
        }
      }
      try communicator.allReduce(
        pointer, count: gradient.elementCount, dtype: gradient.dtype, operation: .sum)
    }
  }
}
