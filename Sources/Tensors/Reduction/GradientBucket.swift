import Synchronization

/// A group of gradients that is reduced over ranks as one message.
///
/// The plan lays its tensors side by side, so that the backward pass writes into the message itself.
final class GradientBucket: BackgroundWork {
  /// What a bucket says of the others of its step.
  enum Answer {
    /// Nothing, and no other one speaks for it.
    case none
    /// Another one, which is started later and waited for earlier, says what there is to say of this one.
    case givenByAnother
    /// Whether the ranks have brought the same buckets, these and itself, and whether anything in them was not finite.
    case forAll([GradientBucket])
  }

  let communicator: any Communicator
  let label: CollectiveLabel
  private let watch: GradientWatch?
  /// The numbers of the bucket's gradients.
  private let members: [Int]
  /// How its numbers travel, and what is under way then.
  let hook: (any GradientHook)?
  private let answer: Answer
  private let exchange = Mutex<BucketExchange?>(nil)
  private let token = Atomic<Int>(-1)
  private let number = Atomic<Int>(0)
  /// What all ranks must bring the same of.
  private let hash = Atomic<UInt64>(0)

  /// - Parameters:
  ///   - communicator: the ranks.
  ///   - members: the numbers of the gradients, in the order in which they lie; those that `hook` encodes come first.
  ///   - hook: how they travel.
  ///   - answer: what it says of the other buckets.
  init(
    _ communicator: any Communicator, members: [Int], hook: (any GradientHook)? = nil,
    answer: Answer = .none
  ) {
    (self.communicator, self.members, self.hook) = (communicator, members, hook)
    self.answer = answer
    let watch = GradientWatch.current
    self.watch = watch
    let names = watch.map { watch in members.map(watch.name) } ?? []
    label = names.isEmpty ? .none : CollectiveLabel(Self.text(names))
  }

  private static func text(_ names: [String]) -> String {
    let shown = names.count <= 3 ? names[...] : names[..<2] + ["... (\(names.count) in all)"]
    return "the gradients of " + shown.joined(separator: ", ")
  }

  /// Whether its wait ends no step, because another bucket has said before whether the step counts. What a hook has done to its numbers
  /// nobody knows before.
  var isAnsweredFor: Bool {
    if case .givenByAnother = answer { hook == nil } else { false }
  }

  /// Says where the tensors are, of which the last is the seal. To be called before the first start.
  func prepare(_ tensors: [Operand]) {
    guard let hook else { return }
    let exchange = BucketExchange(tensors, hook, over: communicator)
    self.exchange.withLock { $0 = exchange }
  }

  func sharedMemory(byteCount: Int) -> Storage? {
    (communicator as? any SharingCommunicator)?.sharedMemory(byteCount: byteCount)
  }

  func start(
    _ members: WatchedTensors, seal: UnsafeMutableRawPointer?, _ pointer: UnsafeMutableRawPointer,
    count: Int, dtype: DType
  ) throws {
    if let seal {
      let next = (communicator.journal?.snapshot.begun ?? 0) + 1
      number.store(next, ordering: .relaxed)
      var hash = StableHash.combine(
        StableHash.combine(label.hash, UInt64(count)), UInt64(next))
      var isFinite = lookAt(members)
      if case .forAll(let others) = answer {
        for other in others {
          hash = StableHash.combine(hash, other.hash.load(ordering: .relaxed))
        }
        isFinite = isFinite && watch?.hasFinding != true
      }
      self.hash.store(hash, ordering: .relaxed)
      BucketSeal.write(hash: hash, isFinite: isFinite, to: seal, dtype)
    }
    let exchange = exchange.withLock(\.self)
    func start() throws -> Int {
      if let exchange { return try exchange.start() }
      return try communicator.startAllReduce(pointer, count: count, dtype: dtype, operation: .sum)
    }
    token.store(
      try communicator.journal?.named(label, start) ?? start(), ordering: .relaxed)
  }

  /// Whether the gradients are finite, as far as anybody wants to know.
  private func lookAt(_ members: WatchedTensors) -> Bool {
    guard let watch, watch.looks else { return true }
    return members.allFinite { index, value in
      watch.note("the gradient of \(watch.name(self.members[index]))", is: value, isLoss: false)
    }
  }

  func wait() throws {
    let pending = token.exchange(-1, ordering: .relaxed)
    if pending >= 0 { try communicator.wait(pending) }
  }

  /// Waits, and throws when ranks have brought different buckets, or when some number was not finite.
  func wait(seal: UnsafeMutableRawPointer, count: Int, dtype: DType) throws {
    try wait()
    let (isSame, notFinite) = BucketSeal.read(
      hash: hash.load(ordering: .relaxed), size: communicator.size, from: seal, dtype)
    guard isSame else { throw difference(count) }
    try exchange.withLock(\.self)?.checkRange(watch, members)
    if notFinite != 0, !isAnsweredFor { throw NotFinite() }
  }

  private func difference(_ count: Int) -> any Error {
    if case .forAll(let others) = answer {
      for other in others {
        let number = other.number.load(ordering: .relaxed)
        if let difference = communicator.difference(ofCollective: number) { return difference }
      }
    }
    return communicator.difference(ofCollective: number.load(ordering: .relaxed))
      ?? EngineError.distribution(
        message:
          "ranks have added different things: rank \(communicator.numberInRun(of: communicator.rank)) "
          + "\(label == .none ? "a bucket of \(count) numbers" : label.text). Every rank must make the same "
          + "collectives in the same order")
  }

  /// MPI works only while it is called.
  func progress() throws {
    let pending = token.load(ordering: .relaxed)
    if pending >= 0 { _ = try communicator.test(pending) }
  }
}

/// How many elements there are from the first tensor of a bucket to the end of the last, gaps included.
private func bucketCount(_ tensors: [Operand]) -> Int {
  guard let first = tensors.first, let last = tensors.last else { return 0 }
  return (last.pointer - first.pointer) / first.dtype.size + last.elementCount
}

/// Starts to add a bucket's tensors over all ranks, in place. Reading them before ``AllReduceWait`` is wrong.
struct AllReduceStart: BucketPrimitive {
  let bucket: GradientBucket

  var role: BucketRole { .start(bucket) }
  var isPure: Bool { false }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    guard let first = inputs.first else { return {} }
    let (pointer, dtype, bucket) = (first.pointer, first.dtype, bucket)
    bucket.prepare(inputs)
    let count = bucketCount(inputs)
    let seal = BucketSeal.isUsed(dtype) ? inputs.last?.pointer : nil
    let members = WatchedTensors(seal == nil ? inputs[...] : inputs.dropLast())
    // The gaps are summed with the rest, and other values may have been there since the last step.
    let gaps: [UnsafeMutableRawBufferPointer] = zip(inputs, inputs.dropFirst()).compactMap {
      let end = $0.pointer + $0.elementCount * $0.dtype.size
      return end == $1.pointer ? nil : .init(start: end, count: $1.pointer - end)
    }
    return {
      for gap in gaps { gap.initializeMemory(as: UInt8.self, repeating: 0) }
      try bucket.start(members, seal: seal, pointer, count: count, dtype: dtype)
    }
  }

  func gradient(_ context: GradientContext) -> [Tensor?] { context.incoming }

  static func == (a: Self, b: Self) -> Bool { a.bucket === b.bucket }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(bucket)) }
}

/// Waits until a bucket's sums are there; its outputs are the sums.
struct AllReduceWait: BucketPrimitive, StepGuard {
  let bucket: GradientBucket

  var role: BucketRole { .wait }
  var isPure: Bool { false }
  var mayEndStep: Bool { !bucket.isAnsweredFor }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let bucket = bucket
    guard let seal = inputs.last, BucketSeal.isUsed(seal.dtype) else {
      return { try bucket.wait() }
    }
    let (count, dtype, pointer) = (bucketCount(inputs), seal.dtype, seal.pointer)
    return { try bucket.wait(seal: pointer, count: count, dtype: dtype) }
  }

  func gradient(_ context: GradientContext) -> [Tensor?] { context.incoming }

  static func == (a: Self, b: Self) -> Bool { a.bucket === b.bucket }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(bucket)) }
}
