import Synchronization

/// A group of gradients that is reduced over ranks as one message.
///
/// The plan lays its tensors side by side, so that the backward pass writes into the message itself.
final class GradientBucket: BackgroundWork {
  private let communicator: any Communicator
  private let token = Atomic<Int>(-1)

  init(_ communicator: any Communicator) { self.communicator = communicator }

  func start(_ pointer: UnsafeMutableRawPointer, count: Int, dtype: DType) throws {
    token.store(
      try communicator.startAllReduce(pointer, count: count, dtype: dtype, operation: .sum),
      ordering: .relaxed)
  }

  func wait() throws {
    let pending = token.exchange(-1, ordering: .relaxed)
    if pending >= 0 { try communicator.wait(pending) }
  }

  /// MPI works only while it is called.
  func progress() throws {
    let pending = token.load(ordering: .relaxed)
    if pending >= 0 { _ = try communicator.test(pending) }
  }
}

/// Starts to add a bucket's tensors over all ranks, in place. Reading them before ``AllReduceWait`` is wrong.
struct AllReduceStart: BucketPrimitive {
  let bucket: GradientBucket

  var role: BucketRole { .start(bucket) }
  var isPure: Bool { false }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    guard let first = inputs.first, let last = inputs.last else { return {} }
    let bytes = last.pointer - first.pointer + last.elementCount * last.dtype.size
    let (pointer, dtype, bucket) = (first.pointer, first.dtype, bucket)
    // The gaps are summed with the rest, and other values may have been there since the last step.
    let gaps: [UnsafeMutableRawBufferPointer] = zip(inputs, inputs.dropFirst()).compactMap {
      let end = $0.pointer + $0.elementCount * $0.dtype.size
      return end == $1.pointer ? nil : .init(start: end, count: $1.pointer - end)
    }
    return {
      for gap in gaps { gap.initializeMemory(as: UInt8.self, repeating: 0) }
      try bucket.start(pointer, count: bytes / dtype.size, dtype: dtype)
    }
  }

  func gradient(_ context: GradientContext) -> [Tensor?] { context.incoming }

  static func == (a: Self, b: Self) -> Bool { a.bucket === b.bucket }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(bucket)) }
}

/// Waits until a bucket's sums are there; its outputs are the sums.
struct AllReduceWait: BucketPrimitive {
  let bucket: GradientBucket

  var role: BucketRole { .wait }
  var isPure: Bool { false }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let bucket = bucket
    return { try bucket.wait() }
  }

  func gradient(_ context: GradientContext) -> [Tensor?] { context.incoming }

  static func == (a: Self, b: Self) -> Bool { a.bucket === b.bucket }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(bucket)) }
}
