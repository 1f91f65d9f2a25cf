/// The sum over ranks of float32 gradients that lie in a bucket, encoded by a hook on their way.
///
/// *Direct*: every rank sends all to all others and adds up all. *In parts*: it sends to each a part, adds up its own part for all, and sends the
/// sums back. Sums are taken in the order of ranks in both. Numbers are encoded in pieces that stay in the second-level cache while the ranks
/// are added to them.
///
/// A message begins with a cache line that says whether a number was too large; then come the numbers that travel as they are, and the
/// others, encoded.
///
/// `@unchecked Sendable`: touched by the thread that runs the step only, as the memory of the bucket is.
final class BucketExchange: MessageExchange, @unchecked Sendable {
  /// Gradients with fewer numbers travel as they are.
  static let least = 64
  private static let flagBytes = 64
  /// Numbers of a piece, at most.
  private static let pieceLength = 16 << 10

  private struct Piece {
    let numbers: UnsafeMutableBufferPointer<Float>
    /// The number of the gradient in the bucket.
    let member: Int
    /// Where the piece stands in a message, and where its sums do.
    var place = 0
    var sumsPlace = 0
  }

  /// A place in the memory of messages.
  private struct Slot {
    var offset: Int
    var byteCount: Int
  }

  let call: CollectiveCall
  let isDirect: Bool
  private let hook: any GradientHook
  var hookName: String { hook.name }
  /// What sums are rounded by; nil for nothing.
  private let sumsHook: (any GradientHook)?
  private let (rank, size): (Int, Int)
  private let communicator: any Communicator
  private let exchanging: (any ExchangingCommunicator)?
  private let plain: UnsafeMutableBufferPointer<Float>
  private let pieces: [Piece]
  /// The pieces that each rank adds up.
  private let parts: [Range<Int>]
  private let outgoing: [Slot]
  private let incoming: [Slot]
  private let sums: [Slot]
  private let memory: Storage
  /// For sums that are rounded without being sent.
  private let scratch: Storage

  /// How often a rank made a finite number infinite, known to all when the exchange is over.
  private(set) var overflows = 0
  /// Where this rank did: the gradient's number in the bucket, and its largest number.
  private(set) var overflow: (member: Int, value: Float)?

  /// - Parameters:
  ///   - gradients: what is encoded.
  ///   - plain: numbers that travel as they are.
  ///   - hook: encodes.
  ///   - communicator: the ranks.
  init(
    _ gradients: [UnsafeMutableBufferPointer<Float>], plain: UnsafeMutableBufferPointer<Float>,
    _ hook: any GradientHook, over communicator: any Communicator
  ) {
    let size = communicator.size
    let rank = communicator.rank
    (self.hook, self.plain, self.communicator) = (hook, plain, communicator)
    (self.rank, self.size) = (rank, size)
    exchanging = communicator as? any ExchangingCommunicator
    let count = gradients.reduce(0) { $0 + $1.count }
    call = CollectiveCall(.allReduce, count: count + plain.count, dtype: .float32)

    let bytes = Self.bytes(of: count, hook)
    let isDirect = exchanging == nil || bytes.isDirect(size)
    // Sums that would be sent in parts are rounded also where ranks send all: every kind of communicator gives the same.
    let sumsHook = bytes.isDirect(size) ? nil : hook.sumsHook
    var pieces = Self.pieces(of: gradients, hook, ranks: size)
    let parts = isDirect ? [pieces.indices] : Self.parts(of: pieces, ranks: size)
    (self.isDirect, self.sumsHook, self.parts) = (isDirect, sumsHook, parts)

    let head = Self.flagBytes + Storage.aligned(4 * plain.count)
    var end = 0
    func slot(_ byteCount: Int) -> Slot {
      defer { end += Storage.aligned(byteCount) }
      return Slot(offset: end, byteCount: byteCount)
    }
    var (incoming, outgoing, sums): ([Slot], [Slot], [Slot]) = ([], [], [])
    var lengths: [Int] = []
    for part in parts {
      var place = head
      for index in part {
        pieces[index].place = place
        place += hook.byteCount(of: pieces[index].numbers.count)
      }
      lengths.append(place)
    }
    if isDirect {
      // Side by side, as an all-gather wants them.
      incoming = (0..<size).map { _ in slot(Storage.aligned(lengths[0])) }
      outgoing = incoming.map { [own = incoming[rank]] _ in own }
    } else {
      incoming = (0..<size).map { _ in slot(lengths[rank]) }
      outgoing = (0..<size).map { $0 == rank ? incoming[rank] : slot(lengths[$0]) }
      for part in parts {
        var place = Self.flagBytes
        for index in part {
          pieces[index].sumsPlace = place
          let count = pieces[index].numbers.count
          place += sumsHook?.byteCount(of: count) ?? 4 * count
        }
        sums.append(slot(place))
      }
    }
    (self.pieces, self.incoming, self.outgoing, self.sums) = (pieces, incoming, outgoing, sums)
    memory = Storage(byteCount: end)
    memory.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: end)
    scratch = Storage(
      byteCount: isDirect ? sumsHook?.byteCount(of: pieces.map(\.numbers.count).max() ?? 0) ?? 0 : 0
    )
  }

  /// Encodes, and sends what is encoded.
  ///
  /// - Returns: the token to wait for; -1 when the sums are there.
  func start() throws -> Int {
    encode()
    if let exchanging { return try exchanging.startExchange(self) }
    let slot = incoming[rank]
    try communicator.allGather(
      memory.pointer + slot.offset, counts: [Int](repeating: slot.byteCount, count: size),
      dtype: .uint8, into: memory.pointer)
    complete(0)
    return -1
  }

  private func encode() {
    overflow = nil
    for (index, part) in parts.enumerated() {
      let target = memory.pointer + outgoing[isDirect ? rank : index].offset
      if let source = plain.baseAddress {
        (target + Self.flagBytes).copyMemory(from: source, byteCount: 4 * plain.count)
      }
      for piece in pieces[part] {
        let isWhole = hook.encode(UnsafeBufferPointer(piece.numbers), into: target + piece.place)
        if !isWhole, overflow == nil { overflow = largest(piece) }
      }
    }
    for index in parts.indices {
      setFlag(outgoing[isDirect ? rank : index], overflow != nil)
    }
  }

  private func largest(_ piece: Piece) -> (member: Int, value: Float) {
    let finite = piece.numbers.lazy.filter(\.isFinite)
    return (piece.member, finite.max { abs($0) < abs($1) } ?? .nan)
  }

  private func setFlag(_ slot: Slot, _ isSet: Bool) {
    memory.pointer.storeBytes(of: isSet ? 1 : 0, toByteOffset: slot.offset, as: Int32.self)
  }

  private func flag(_ slot: Slot) -> Int {
    Int(memory.pointer.load(fromByteOffset: slot.offset, as: Int32.self))
  }

  // MARK: Messages

  var rounds: Int { isDirect ? 1 : 2 }

  func outgoing(_ round: Int, to rank: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(buffer(round == 0 ? outgoing[rank] : sums[self.rank]))
  }

  func incoming(_ round: Int, from rank: Int) -> UnsafeMutableRawBufferPointer {
    buffer(round == 0 ? incoming[rank] : sums[rank])
  }

  private func buffer(_ slot: Slot) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: memory.pointer + slot.offset, count: slot.byteCount)
  }

  func complete(_ round: Int) {
    if round == 0 { addUp() } else { takeSums() }
  }

  /// Adds up this rank's part, or all.
  private func addUp() {
    overflows = incoming.reduce(0) { $0 + flag($1) }
    if let target = plain.baseAddress {
      for (other, slot) in incoming.enumerated() {
        let source = memory.pointer + slot.offset + Self.flagBytes
        if other == 0 {
          UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: 4 * plain.count)
        } else {
          combine(
            source, into: target, count: plain.count, dtype: .float32, operation: .sum)
        }
      }
    }
    var isWhole = true
    for piece in pieces[parts[isDirect ? 0 : rank]] {
      for (other, slot) in incoming.enumerated() {
        hook.decode(
          memory.pointer + slot.offset + piece.place, into: piece.numbers, adds: other > 0)
      }
      let target = isDirect ? scratch.pointer : memory.pointer + sums[rank].offset + piece.sumsPlace
      if let sumsHook {
        if !sumsHook.encode(UnsafeBufferPointer(piece.numbers), into: target) {
          isWhole = false
          overflow = overflow ?? largest(piece)
        }
        // This rank goes on with what the others get.
        sumsHook.decode(target, into: piece.numbers, adds: false)
      } else if !isDirect, let source = piece.numbers.baseAddress {
        target.copyMemory(from: source, byteCount: 4 * piece.numbers.count)
      }
    }
    if isDirect { overflows += isWhole ? 0 : 1 } else { setFlag(sums[rank], !isWhole) }
  }

  /// Takes the sums of the others' parts.
  private func takeSums() {
    for (other, part) in parts.enumerated() {
      overflows += flag(sums[other])
      guard other != rank else { continue }
      for piece in pieces[part] {
        let source = memory.pointer + sums[other].offset + piece.sumsPlace
        if let sumsHook {
          sumsHook.decode(source, into: piece.numbers, adds: false)
        } else if let target = piece.numbers.baseAddress {
          UnsafeMutableRawPointer(target).copyMemory(
            from: source, byteCount: 4 * piece.numbers.count)
        }
      }
    }
  }

  // MARK: Sizes

  /// What `count` encoded numbers and their sums are in bytes.
  struct ByteCounts {
    let gradients: Int
    let sums: Int

    /// Whether sending all to all is fewer bytes than sending in parts: each of N ranks sends (N - 1) · g against (N - 1) / N · (g + s).
    func isDirect(_ ranks: Int) -> Bool { ranks * gradients <= gradients + sums }

    /// What a rank sends.
    func sent(_ ranks: Int) -> Int {
      isDirect(ranks) ? (ranks - 1) * gradients : (ranks - 1) * (gradients + sums) / ranks
    }
  }

  static func bytes(of count: Int, _ hook: any GradientHook) -> ByteCounts {
    ByteCounts(
      gradients: hook.byteCount(of: count),
      sums: hook.sumsHook?.byteCount(of: count) ?? 4 * count)
  }

  private static func pieces(
    of gradients: [UnsafeMutableBufferPointer<Float>], _ hook: any GradientHook, ranks: Int
  ) -> [Piece] {
    let count = gradients.reduce(0) { $0 + $1.count }
    // Short enough that parts are of nearly equal lengths; whole blocks.
    let block = max(hook.blockLength, 1)
    let wanted = min(pieceLength, max(count / (8 * ranks), 64))
    let length = (wanted + block - 1) / block * block
    return gradients.enumerated().flatMap { member, numbers in
      stride(from: 0, to: numbers.count, by: length).map { start in
        let piece = numbers[start..<min(start + length, numbers.count)]
        return Piece(numbers: UnsafeMutableBufferPointer(rebasing: piece), member: member)
      }
    }
  }

  /// Consecutive pieces for each rank, with nearly as many numbers.
  private static func parts(of pieces: [Piece], ranks: Int) -> [Range<Int>] {
    let total = pieces.reduce(0) { $0 + $1.numbers.count }
    var (first, count) = (0, 0)
    return (1...ranks).map { part in
      let start = first
      while first < pieces.count, part == ranks || count * ranks < part * total {
        count += pieces[first].numbers.count
        first += 1
      }
      return start..<first
    }
  }
}
