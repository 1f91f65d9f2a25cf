/// Adds gradients over ranks.
extension Model {
  /// The sums over all ranks, in the same order.
  ///
  /// In a compiled step gradients lie in flat buckets and each bucket is one nonblocking message, started as soon as its
  /// last gradient is there. The buckets depend on the parameters only, so that every rank has the same ones.
  func reduceOverRanks(_ gradients: [Tensor]) throws -> [Tensor] {
    guard strategy.replicaCount > 1 else { return gradients }
    guard Trace.active != nil else { return try gradients.map(reducedEagerly) }
    let plan = BucketPlan(gradients.map(\.spec), limits: strategy.bucketLimits)
    var started: [(bucket: GradientBucket, members: [Int], tensors: [Tensor])] = []
    for members in plan.buckets {
      let bucket = GradientBucket(communicator)
      // Traced also where every gradient of a bucket is a constant, zero for unused parameters: other ranks may have more.
      let start = Node(
        primitive: AllReduceStart(bucket: bucket), inputs: members.map { gradients[$0] },
        outputs: members.map { gradients[$0].spec }, values: [])
      started.append((bucket, members, members.indices.map(start.output)))
    }
    var sums = gradients
    for (bucket, members, tensors) in started {
      let results = apply(AllReduceWait(bucket: bucket), tensors)
      for (member, result) in zip(members, results) { sums[member] = result }
    }
    return sums
  }

  private func reducedEagerly(_ gradient: Tensor) throws -> Tensor {
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
