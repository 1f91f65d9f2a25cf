/// Gradients lie in flat buckets in a compiled step, and each bucket is one nonblocking message, started as soon as its last
/// gradient is there.
///
/// Of a table that a step of `Model` only reads by index (`Embedding`) the rows that were read are sent, with their numbers, where that is fewer bytes than
/// the table: decided when the step is compiled, where all ranks have equal shares of the batch, and then each rank must use the table alike.
///
/// The buckets depend on the gradients' order, shapes and types only, so that every rank has the same ones. Without a
/// compiled step each gradient is a message of its own.
public struct BucketedAllReduce: GradientReduction {
  /// How large the messages are; nil for what suits the ranks: ``BucketLimits/sharedMemory`` where all are on one node, else
  /// ``BucketLimits/messages(ranks:)``.
  public let limits: BucketLimits?

  /// How numbers travel; nil for the sums of the communicator.
  public let hook: (any GradientHook)?

  /// Buckets of these numbers of bytes, whose numbers a hook encodes.
  public init(limits: BucketLimits? = nil, hook: (any GradientHook)? = nil) {
    (self.limits, self.hook) = (limits, hook)
  }

  /// The sums over all ranks, in the same order and shapes.
  ///
  /// - Throws: what the communicator throws, where there is no compiled step.
  public func sums(
    of gradients: [Tensor], over communicator: any Communicator
  ) throws -> [Tensor] {
    guard Trace.active != nil else {
      return try gradients.map { try sum($0, over: communicator) }
    }
    return start(gradients, over: communicator).sums()
  }

  /// Starts the sums of gradients in a trace.
  ///
  /// - Parameters:
  ///   - gradients: in the order in which the backward pass makes them.
  ///   - votes: a few float32 numbers more, which are started last and waited for first. With them all ranks know, before the first
  ///     gradient is read, whether they have brought the same buckets and whether anything was not finite.
  ///   - communicator: the ranks.
  /// - Returns: the sums that are under way.
  package func start(
    _ gradients: [Tensor], votes: [Tensor] = [], over communicator: any Communicator
  ) -> StartedSums {
    let tensors = gradients + votes
    let limits = limits ?? .standard(for: communicator)
    let dense = gradients.indices.filter { !sendsRows(of: gradients[$0], over: communicator) }
    var plan = BucketPlan(dense.map { gradients[$0].spec }, limits: limits).buckets.map { places in
      places.map { dense[$0] }
    }
    let rows = startRows(in: gradients, over: communicator)
    if !votes.isEmpty {
      let numbers = Array(gradients.count..<tensors.count)
      // A single message says all by itself.
      if plan.count == 1, gradients[plan[0][0]].dtype == votes[0].dtype {
        plan[0] += numbers
      } else {
        plan.append(numbers)
      }
    }
    var buckets: [GradientBucket] = []
    let started = plan.enumerated().map { index, places in
      let (members, hook) = arranged(places, of: tensors, over: communicator)
      let answer: GradientBucket.Answer =
        votes.isEmpty ? .none : index == plan.count - 1 ? .forAll(buckets) : .givenByAnother
      let bucket = GradientBucket(communicator, members: members, hook: hook, answer: answer)
      buckets.append(bucket)
      let dtype = tensors[members[0]].dtype
      let seal = BucketSeal.isUsed(dtype) ? [Tensor.zeros([BucketSeal.count], dtype: dtype)] : []
      let inputs = members.map { tensors[$0] } + seal
      // Traced also where every gradient of a bucket is a constant, zero for unused parameters: other ranks may have more.
      let start = Node(
        primitive: AllReduceStart(bucket: bucket), inputs: inputs, outputs: inputs.map(\.spec),
        values: [])
      return StartedSums.Message(
        bucket: bucket, members: members, tensors: inputs.indices.map(start.output))
    }
    return StartedSums(started, rows, tensors, votes: votes.count)
  }

  private func sum(
    _ gradient: Tensor, over communicator: any Communicator
  ) throws -> Tensor {
    if encodes(gradient.spec, over: communicator), let hook {
      return try hook.sum(gradient, over: communicator)
    }
    return try Tensor(shape: gradient.shape, dtype: gradient.dtype) { pointer in
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
