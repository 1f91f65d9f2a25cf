/// Whether all ranks trace a step of one shape: their shares of the batch have the same number of rows.
package enum EqualShares {
  /// False where nobody knows.
  @TaskLocal package static var areCertain = false
}

/// The gradient of a table that was only read by index: the rows that a step has read, and their numbers, where all ranks together have
/// fewer bytes of them than the table has.
///
/// Each rank gets the pairs of all, and adds up the rows in the order of ranks, so that all have the same bits.
struct GradientRows {
  /// `[rows, ...]`
  let rows: Tensor
  /// `[rows]`, int32.
  let indices: Tensor
  /// Rows of the table.
  let length: Int

  /// Nil for any other gradient, and where ranks may differ about it.
  init?(_ gradient: Tensor, ranks: Int) {
    guard ranks > 1, EqualShares.areCertain, gradient.dtype == .float32,
      let node = gradient.tracedNode, let scatter = node.primitive as? ScatterAdd,
      scatter.axis == 0, scatter.length <= Int(Int32.max)
    else { return nil }
    let count = node.inputs[1].elementCount
    let width = gradient.shape.dropFirst().reduce(1, *)
    // All to all, against an all-reduce: each rank sends (N - 1) · r against 2 (N - 1) / N · t.
    guard count > 0, width > 0,
      ranks * count * (4 * width + 4) < 2 * gradient.spec.byteCount
    else { return nil }
    rows = node.inputs[0].reshape(Shape([count] + gradient.shape.dropFirst()))
    indices = node.inputs[1].reshape([count]).cast(to: .int32)
    length = scatter.length
  }
}

extension BucketedAllReduce {
  /// Whether rows of a gradient are sent in its place: the same on all ranks.
  package func sendsRows(of gradient: Tensor, over communicator: any Communicator) -> Bool {
    GradientRows(gradient, ranks: communicator.size) != nil
  }

  /// Starts to send the rows of gradients, each in a message of its own.
  func startRows(
    in gradients: [Tensor], over communicator: any Communicator
  ) -> [StartedRows] {
    gradients.indices.compactMap { member in
      GradientRows(gradients[member], ranks: communicator.size).map {
        StartedRows($0, member: member, over: communicator)
      }
    }
  }
}

/// Rows under way.
struct StartedRows {
  let member: Int
  private let gathering: RowGathering
  private let tensors: [Tensor]
  private let length: Int

  init(_ gradient: GradientRows, member: Int, over communicator: any Communicator) {
    (self.member, length) = (member, gradient.length)
    gathering = RowGathering(communicator, member: member)
    var inputs: [Tensor] = []
    for rank in 0..<communicator.size {
      let isOwn = rank == communicator.rank
      inputs.append(unwritten(TensorSpec([RowGathering.headCount], .int32)))
      inputs.append(isOwn ? gradient.rows : unwritten(gradient.rows.spec))
      inputs.append(isOwn ? gradient.indices : unwritten(gradient.indices.spec))
    }
    let start = Node(
      primitive: GatherRowsStart(gathering: gathering), inputs: inputs,
      outputs: inputs.map(\.spec), values: [])
    tensors = inputs.indices.map(start.output)
  }

  /// The sum over ranks, as a table.
  func sum() -> Tensor {
    let all = apply(GatherRowsWait(gathering: gathering), tensors)
    func parts(_ place: Int) -> [Tensor] {
      stride(from: place, to: all.count, by: 3).map { all[$0] }
    }
    return scatterAdd(concatenate(parts(1)), concatenate(parts(2)), length: length)
  }
}

/// A place that nobody has written yet.
private func unwritten(_ spec: TensorSpec) -> Tensor {
  Node(primitive: Unwritten(spec: spec), inputs: [], outputs: [spec], values: []).output(0)
}

/// Memory for what another rank sends.
private struct Unwritten: Primitive {
  let spec: TensorSpec

  var isPure: Bool { false }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { [spec] }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel { {} }

  func gradient(_ context: GradientContext) -> [Tensor?] { [] }
}

/// A message of each rank to all others: a head, rows, and their numbers, side by side; those of the ranks one after the other.
///
/// `@unchecked Sendable`: touched by the thread that runs the step only, after the plan has been made.
final class RowGathering: BackgroundWork, MessageExchange, @unchecked Sendable {
  /// Numbers of int32 in front of rows: a hash in two of them, and whether the rows are finite.
  static let headCount = 16

  let communicator: any Communicator
  private let exchanging: (any ExchangingCommunicator)?
  let label: CollectiveLabel
  private let watch: GradientWatch?
  private let member: Int
  private var base: UnsafeMutableRawPointer?
  private var stride = 0
  /// Between rows and numbers, which is sent too.
  private var gap = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var watched: WatchedTensors?
  private var token = -1
  private var number = 0

  /// - `member`: the number of the gradient.
  init(_ communicator: any Communicator, member: Int) {
    (self.communicator, self.member) = (communicator, member)
    exchanging = communicator as? any ExchangingCommunicator
    watch = GradientWatch.current
    let name = watch?.name(member) ?? "gradient \(member)"
    label = CollectiveLabel("the rows of the gradient of \(name)")
  }

  func prepare(_ tensors: [Operand]) {
    let own = 3 * communicator.rank
    base = tensors[0].pointer
    stride =
      tensors.count > 3
      ? tensors[3].pointer - tensors[0].pointer
      : Storage.aligned(tensors[2].pointer - tensors[0].pointer + 4 * tensors[2].elementCount)
    let rows = tensors[own + 1]
    let end = rows.pointer + 4 * rows.elementCount
    gap = UnsafeMutableRawBufferPointer(start: end, count: tensors[own + 2].pointer - end)
    watched = WatchedTensors([rows])
  }

  private func place(of rank: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base.map { $0 + rank * stride }, count: stride)
  }

  func start() throws {
    let own = place(of: communicator.rank)
    guard let base, let head = own.baseAddress else { return }
    number = (communicator.journal?.snapshot.begun ?? 0) + 1
    var isFinite = true
    if let watch, watch.looks {
      isFinite =
        watched?.allFinite { _, value in
          watch.note("the gradient of \(watch.name(member))", is: value, isLoss: false)
        } ?? true
    }
    gap.initializeMemory(as: UInt8.self, repeating: 0)
    head.initializeMemory(as: UInt8.self, repeating: 0, count: 4 * Self.headCount)
    head.storeBytes(of: hash, as: UInt64.self)
    head.storeBytes(of: isFinite ? 0 : 1, toByteOffset: 8, as: Int32.self)
    func start() throws -> Int {
      if let exchanging { return try exchanging.startExchange(self) }
      try communicator.allGather(
        head, counts: [Int](repeating: stride, count: communicator.size), dtype: .uint8, into: base)
      return -1
    }
    token = try communicator.journal?.named(label, start) ?? start()
  }

  private var hash: UInt64 {
    StableHash.combine(
      StableHash.combine(label.hash, UInt64(stride)), UInt64(bitPattern: Int64(number)))
  }

  /// Throws when ranks have brought different rows, or when some number was not finite.
  func finish() throws {
    try wait()
    let heads = (0..<communicator.size).compactMap { place(of: $0).baseAddress }
    guard heads.allSatisfy({ $0.load(as: UInt64.self) == hash }) else {
      throw communicator.difference(ofCollective: number)
        ?? EngineError.distribution(
          message:
            "ranks have added different things: rank \(communicator.numberInRun(of: communicator.rank)) "
            + "\(label.text). Every rank must make the same collectives in the same order")
    }
    if heads.contains(where: { $0.load(fromByteOffset: 8, as: Int32.self) != 0 }) {
      throw NotFinite()
    }
  }

  // MARK: Background work

  func sharedMemory(byteCount: Int) -> Storage? { nil }

  func progress() throws {
    if token >= 0 { _ = try communicator.test(token) }
  }

  func wait() throws {
    guard token >= 0 else { return }
    let pending = token
    token = -1
    try communicator.wait(pending)
  }

  // MARK: Messages

  var call: CollectiveCall {
    CollectiveCall(
      .allGather, parts: [Int](repeating: stride, count: communicator.size), dtype: .uint8)
  }

  var rounds: Int { 1 }

  func outgoing(_ round: Int, to rank: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(place(of: communicator.rank))
  }

  func incoming(_ round: Int, from rank: Int) -> UnsafeMutableRawBufferPointer { place(of: rank) }

  func complete(_ round: Int) {}
}

/// Starts to gather rows, which lie between those of the other ranks. Reading them before ``GatherRowsWait`` is wrong.
struct GatherRowsStart: BucketPrimitive {
  let gathering: RowGathering

  var role: BucketRole { .start(gathering) }
  var isPure: Bool { false }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    gathering.prepare(inputs)
    return { [gathering] in try gathering.start() }
  }

  func gradient(_ context: GradientContext) -> [Tensor?] { context.incoming }

  static func == (a: Self, b: Self) -> Bool { a.gathering === b.gathering }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(gathering)) }
}

/// Waits for the rows of all ranks.
struct GatherRowsWait: BucketPrimitive, StepGuard {
  let gathering: RowGathering

  var role: BucketRole { .wait }
  var isPure: Bool { false }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    { [gathering] in try gathering.finish() }
  }

  func gradient(_ context: GradientContext) -> [Tensor?] { context.incoming }

  static func == (a: Self, b: Self) -> Bool { a.gathering === b.gathering }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(gathering)) }
}
