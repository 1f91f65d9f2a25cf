import Tensors

/// One collective in flight between threads. See ``ThreadWorld`` for who may touch what when.
final class ThreadSlot {
  /// The number of the collective, counted by each rank; -1 when the slot is free.
  var number = -1
  /// The collective of the rank that came first.
  var entry: RankJournal.Entry?
  var call: CollectiveCall? { entry?.call }
  /// The rank that came first.
  var opener = 0
  var posted = 0
  var retired = 0
  var hasPosted: [Bool]
  var hasRetired: [Bool]
  var copies: [UnsafeMutableRawPointer?]
  var bytes: [Int]
  var targets: [UnsafeMutableRawPointer?]

  init(size: Int) {
    hasPosted = [Bool](repeating: false, count: size)
    hasRetired = [Bool](repeating: false, count: size)
    copies = [UnsafeMutableRawPointer?](repeating: nil, count: size)
    bytes = [Int](repeating: 0, count: size)
    targets = [UnsafeMutableRawPointer?](repeating: nil, count: size)
  }

  func open(number: Int, entry: RankJournal.Entry, rank: Int) {
    self.number = number
    self.entry = entry
    opener = rank
  }

  func close() {
    number = -1
    entry = nil
    posted = 0
    retired = 0
    for rank in hasPosted.indices {
      hasPosted[rank] = false
      hasRetired[rank] = false
      copies[rank] = nil
      bytes[rank] = 0
      targets[rank] = nil
    }
  }
}

/// Memory for the copies that one rank brings, kept by powers of two: after the first steps of a
/// training nothing is allocated any more.
final class CopyPool {
  private var free = [[UnsafeMutableRawPointer]](repeating: [], count: Int.bitWidth)

  init() {}

  deinit {
    for block in free.joined() { block.deallocate() }
  }

  func take(_ bytes: Int) -> UnsafeMutableRawPointer {
    let order = Self.order(bytes)
    return free[order].popLast()
      ?? UnsafeMutableRawPointer.allocate(byteCount: 1 << order, alignment: 64)
  }

  func give(_ block: UnsafeMutableRawPointer, bytes: Int) {
    free[Self.order(bytes)].append(block)
  }

  /// The exponent of the smallest power of two that holds `bytes`, at least a cache line.
  private static func order(_ bytes: Int) -> Int {
    max(6, Int.bitWidth - max(1, bytes - 1).leadingZeroBitCount)
  }
}
