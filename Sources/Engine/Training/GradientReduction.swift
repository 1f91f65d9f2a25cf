/// Adds gradients over ranks.
extension Model {
  /// The sums over all ranks, in the same order.
  ///
  /// In a compiled step gradients lie in flat buckets and each bucket is one nonblocking message, started as soon as its
  /// last gradient is there. The buckets depend on the parameters only, so that every rank has the same ones.
  func reduceOverRanks(_ gradients: [Tensor]) throws -> [Tensor] {
    guard strategy.replicaCount > 1 else { return gradients }
    guard gradients.contains(where: \.isTraced) || !gradients.contains(where: { $0.storage != nil })
    else { return try gradients.map(reducedEagerly) }
    let plan = BucketPlan(gradients.map(\.spec))
    var started: [(bucket: GradientBucket, members: [Int], tensors: [Tensor])] = []
    for members in plan.buckets {
      let bucket = GradientBucket(communicator)
      let tensors = apply(AllReduceStart(bucket: bucket), members.map { traced(gradients[$0]) })
      started.append((bucket, members, tensors))
    }
    var sums = gradients
    for (bucket, members, tensors) in started {
      let results = apply(AllReduceWait(bucket: bucket), tensors)
      for (member, result) in zip(members, results) { sums[member] = result }
    }
    return sums
  }

  /// A gradient that is constant (of an unused parameter) has to be written into the bucket at every step.
  private func traced(_ gradient: Tensor) -> Tensor {
    guard let any = module.trainableVariables.first?.value, !gradient.isTraced else {
      return gradient
    }
    return gradient + (sum(any) * 0.0).cast(to: gradient.dtype)
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

/// Which gradients go into one message: in order, a small first bucket so that communication starts early (Li et al.,
/// *PyTorch Distributed*, VLDB 2020, §3.2), one scalar type a bucket.
struct BucketPlan {
  static let firstBytes = 1 << 20
  static let otherBytes = 25 << 20

  /// Positions of the gradients of each bucket.
  let buckets: [[Int]]

  init(_ specs: [TensorSpec]) {
    var buckets: [[Int]] = []
    var bytes = 0
    for (index, spec) in specs.enumerated() {
      let limit = buckets.count <= 1 ? Self.firstBytes : Self.otherBytes
      let sameType = buckets.last?.last.map { specs[$0].dtype == spec.dtype } ?? false
      if buckets.isEmpty || !sameType || (bytes > 0 && bytes + spec.byteCount > limit) {
        buckets.append([])
        bytes = 0
      }
      buckets[buckets.count - 1].append(index)
      bytes += spec.byteCount
    }
    self.buckets = buckets
  }
}
