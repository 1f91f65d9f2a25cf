import CKernels
import Foundation
import Synchronization
import Tensors

/// All-reduces of the ranks of one node in memory that all of them reach: who has nothing else to do adds up.
///
/// Every rank begins the same operations in the same order. Its control block says how many it has begun, and for each of the last
/// ``length`` where its array lies. When all have begun one the arrays are cut into a slice for each rank, and the slices into pieces.
/// A rank takes pieces of its own slice, and of the others' when it has to wait anyway; each piece is combined in the order of ranks and
/// written to the arrays of all, so that all get the same bits, whoever did it. Nothing is copied where the arrays lie in ``NodeMemory``.
///
/// An array elsewhere goes through a copy there. Called by one thread at a time.
final class NodeReduction {
  /// Ranks have begun different operations.
  struct Mismatch: Error {
    /// The number of this rank's operation in its journal.
    let number: Int
  }

  /// How many operations may be under way.
  static let length = 256
  /// What is taken at a time.
  private static let pieceBytes = 64 << 10
  /// Shorter arrays are one piece.
  private static let sliceBytes = 1 << 10
  /// Bytes of copies that are kept for the next operations.
  private static let spareBytes = 8 << 20

  private typealias Word = UnsafeMutablePointer<Atomic<Int>>

  /// What this rank knows of an operation of its own.
  private struct Operation {
    var count = 0
    var dtype = DType.uint8
    var operation = ReduceOperation.sum
    var number = 0
    /// Where the result goes, when the array is not in the memory of the node, and the copy that is.
    var target: UnsafeMutableRawPointer?
    var copy: Storage?

    var byteCount: Int { count * dtype.size }
  }

  let memory: NodeMemory
  private let size: Int
  private let rank: Int
  private var operations: [Operation]
  private var spare: [Storage] = []
  private var failed: Mismatch?
  /// The arrays of all ranks of the operation that is looked at.
  private let arrays: UnsafeMutablePointer<UnsafeMutableRawPointer?>

  /// How many operations this rank has begun.
  private(set) var begun = 0
  /// How many of them are done.
  private(set) var done = 0

  init(_ memory: NodeMemory) {
    (self.memory, size, rank) = (memory, memory.bases.count, memory.rank)
    operations = [Operation](repeating: Operation(), count: Self.length)
    arrays = .allocate(capacity: size)
    arrays.initialize(repeating: nil, count: size)
  }

  deinit { arrays.deallocate() }

  // MARK: Control blocks

  /// Words of a control block, a cache line apart.
  private enum Field: Int {
    case begun = 1
    case done
  }

  /// Words of an operation.
  private enum Part: Int, CaseIterable {
    /// Where the array is.
    case offset
    /// What every rank must bring the same of.
    case hash
    /// Pieces of the rank's slice that somebody has taken, and those that are done.
    case taken, combined
  }

  private func word(_ field: Field, of rank: Int) -> Word {
    (memory.bases[rank] + field.rawValue * 128).assumingMemoryBound(to: Atomic<Int>.self)
  }

  private func word(_ part: Part, _ number: Int, of rank: Int) -> Word {
    (memory.bases[rank] + 4096 + number % Self.length * 64 + part.rawValue * 8)
      .assumingMemoryBound(to: Atomic<Int>.self)
  }

  /// Whether all ranks have got as far as `number`.
  private func all(_ field: Field, reached number: Int) -> Bool {
    for other in 0..<size
    where word(field, of: other).pointee.load(ordering: .acquiring) < number {
      return false
    }
    return true
  }

  // MARK: Operations

  /// Begins an operation on `count` elements at `buffer`.
  ///
  /// - Parameters:
  ///   - buffer: the array, which belongs to the operation until it is done; nil for ranks that only meet.
  ///   - count: elements.
  ///   - dtype: their type.
  ///   - operation: sum, min or max.
  ///   - hash: what every rank must bring the same of.
  ///   - number: the collective's number in the journal.
  /// - Returns: the operation's number, from 1; nil when there is no memory for a copy.
  /// - Throws: ``Mismatch`` of an earlier operation.
  func begin(
    _ buffer: UnsafeMutableRawPointer?, count: Int, dtype: DType, operation: ReduceOperation,
    hash: UInt64, number: Int
  ) throws(Mismatch) -> Int? {
    let next = begun + 1
    // The words of the operation that was in this place may still be read.
    if next > Self.length {
      try wait(until: next - Self.length)
      var round: Int32 = 0
      while !all(.done, reached: next - Self.length) {
        apus_give_way(round)
        round = min(round + 1, 1 << 10)
      }
    }
    var mine = Operation(count: count, dtype: dtype, operation: operation, number: number)
    var offset = 0
    if let buffer, count > 0 {
      if let known = memory.offset(of: buffer, mine.byteCount) {
        offset = known
      } else {
        guard let copy = takeCopy(mine.byteCount) else { return nil }
        copy.pointer.copyMemory(from: buffer, byteCount: mine.byteCount)
        offset = copy.pointer - memory.bases[rank]
        (mine.target, mine.copy) = (buffer, copy)
      }
    }
    operations[next % Self.length] = mine
    word(.offset, next, of: rank).pointee.store(offset, ordering: .relaxed)
    word(.hash, next, of: rank).pointee.store(
      Int(truncatingIfNeeded: hash), ordering: .relaxed)
    word(.taken, next, of: rank).pointee.store(0, ordering: .relaxed)
    word(.combined, next, of: rank).pointee.store(0, ordering: .relaxed)
    begun = next
    word(.begun, of: rank).pointee.store(next, ordering: .releasing)
    return next
  }

  /// The journal's number of an operation that is under way; 0 for others.
  func number(of operation: Int) -> Int {
    operation > done && operation <= begun ? operations[operation % Self.length].number : 0
  }

  /// Does what can be done of this rank's share without waiting. Throws ``Mismatch``.
  func advance() throws(Mismatch) { try advance(helps: false) }

  /// Returns when the first `operation` operations are done.
  func wait(until operation: Int) throws(Mismatch) {
    var round: Int32 = 0
    while true {
      try advance(helps: true)
      if done >= operation { return }
      apus_give_way(round)
      round = min(round + 1, 1 << 10)
    }
  }

  // `helps`: whether slices of other ranks are combined too.
  private func advance(helps: Bool) throws(Mismatch) {
    if let failed { throw failed }
    while done < begun {
      let next = done + 1
      guard all(.begun, reached: next) else { return }
      let mine = operations[next % Self.length]
      let hash = word(.hash, next, of: rank).pointee.load(ordering: .relaxed)
      for other in 0..<size
      where word(.hash, next, of: other).pointee.load(ordering: .relaxed) != hash {
        let mismatch = Mismatch(number: mine.number)
        failed = mismatch
        throw mismatch
      }
      let slices = Slices(mine.count, size: mine.dtype.size, ranks: size)
      if mine.count > 0 {
        for other in 0..<size {
          arrays[other] =
            memory.bases[other] + word(.offset, next, of: other).pointee.load(ordering: .relaxed)
        }
        for turn in 0..<(helps ? size : 1) {
          combine(slices, (rank + turn) % size, next, mine)
        }
      }
      for other in 0..<size {
        let combined = word(.combined, next, of: other).pointee.load(ordering: .acquiring)
        if combined < slices.pieces(of: other) { return }
      }
      finish(next)
    }
  }

  /// Combines what nobody has taken yet of a slice.
  private func combine(_ slices: Slices, _ slice: Int, _ number: Int, _ mine: Operation) {
    let pieces = slices.pieces(of: slice)
    guard pieces > 0 else { return }
    let (taken, combined) = (
      word(.taken, number, of: slice), word(.combined, number, of: slice)
    )
    // Booleans are bytes of 0 and 1.
    let dtype = mine.dtype == .bool ? DType.uint8 : mine.dtype
    while taken.pointee.load(ordering: .relaxed) < pieces {
      let piece = taken.pointee.add(1, ordering: .relaxed).oldValue
      guard piece < pieces else { return }
      let range = slices.piece(piece, of: slice)
      apus_combine_ranks(
        Int32(mine.operation.rawValue), Int32(dtype.rawValue), arrays, Int32(size),
        range.lowerBound, range.count)
      combined.pointee.add(1, ordering: .acquiringAndReleasing)
    }
  }

  private func finish(_ number: Int) {
    let place = number % Self.length
    if let target = operations[place].target, let copy = operations[place].copy {
      target.copyMemory(from: copy.pointer, byteCount: operations[place].byteCount)
      if spare.reduce(copy.byteCount, { $0 + $1.byteCount }) <= Self.spareBytes {
        spare.append(copy)
      }
      operations[place].copy = nil
    }
    done = number
    word(.done, of: rank).pointee.store(number, ordering: .releasing)
  }

  private func takeCopy(_ byteCount: Int) -> Storage? {
    let kept = spare.firstIndex { $0.byteCount >= byteCount && $0.byteCount / 4 <= byteCount }
    if let kept { return spare.remove(at: kept) }
    // Of sizes that others can use again.
    return memory.allocate((max(byteCount, 4096) - 1).nextPowerOf2)
  }
}

extension NodeReduction {
  /// How an array is cut: into a slice for each rank, and these into pieces.
  private struct Slices {
    private let count: Int
    private let length: Int
    private let pieceLength: Int

    init(_ count: Int, size: Int, ranks: Int) {
      self.count = count
      let isCut = count * size > NodeReduction.sliceBytes
      // Whole cache lines: no two ranks write to the same.
      let line = 64 / size
      length = isCut ? ((count + ranks - 1) / ranks + line - 1) / line * line : max(count, 1)
      pieceLength = NodeReduction.pieceBytes / size
    }

    private func slice(_ rank: Int) -> Range<Int> {
      min(rank * length, count)..<min((rank + 1) * length, count)
    }

    func pieces(of rank: Int) -> Int { (slice(rank).count + pieceLength - 1) / pieceLength }

    func piece(_ index: Int, of rank: Int) -> Range<Int> {
      let slice = slice(rank)
      let start = slice.lowerBound + index * pieceLength
      return start..<min(start + pieceLength, slice.upperBound)
    }
  }
}

extension Int {
  /// The smallest power of two that is larger.
  fileprivate var nextPowerOf2: Int { 1 << (Int.bitWidth - leadingZeroBitCount) }
}
