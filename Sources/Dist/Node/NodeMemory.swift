import CKernels
import Foundation
import Synchronization
import Tensors

/// Memory of every rank of a node that all of them can reach.
///
/// Each rank has a file in memory that belongs to no folder (memfd_create(2)), as large as its part of the node's memory: pages are taken
/// when they are first written. The others open it through `/proc` and map it, so that nothing is left behind by a rank that is killed.
///
/// `@unchecked Sendable`: what is here never changes. The words of control blocks are atomic, and who may touch the rest when is
/// what ``NodeReduction`` is about.
final class NodeMemory: @unchecked Sendable {
  /// Bytes at the start of each rank's memory that are no block.
  static let controlBytes = 1 << 15

  private static let pageBytes = 4096

  /// This rank's number on the node.
  let rank: Int
  /// The memory of each rank, in their order; all are of ``byteCount``.
  let bases: [UnsafeMutableRawPointer]
  /// Bytes of each rank's memory.
  let byteCount: Int

  private let descriptor: Int32
  private let gaps: Mutex<[Range<Int>]>

  /// What a rank tells the others. All zeros where it has no memory to share.
  private struct Offer {
    var process: Int64 = 0
    var descriptor: Int64 = 0
    var cookie: Int64 = 0
  }

  /// Makes memory for each rank of `communicator`, which are all on this node, and maps that of the others. Collective.
  ///
  /// - Parameters:
  ///   - communicator: the ranks.
  ///   - isWanted: whether this rank wants it; all must.
  /// - Returns: the memory; nil on all ranks where one cannot reach another's.
  /// - Throws: what the communicator throws.
  static func make(_ communicator: any Communicator, isWanted: Bool) throws -> NodeMemory? {
    let (rank, size) = (communicator.rank, communicator.size)
    let share = Int(ProcessInfo.processInfo.physicalMemory) / size & ~(pageBytes - 1)
    let descriptor = isWanted && share <= fileLimit ? apus_shared_file() : -1
    defer { if descriptor >= 0 { close(descriptor) } }
    let own = descriptor >= 0 ? map(descriptor, share) : nil
    var offer = Offer()
    if let own, share > controlBytes {
      offer = Offer(
        process: Int64(getpid()), descriptor: Int64(descriptor), cookie: .random(in: 1...Int64.max))
      own.storeBytes(of: offer.cookie, as: Int64.self)
    }
    var offers = [Offer](repeating: Offer(), count: size)
    try offers.withUnsafeMutableBytes { all in
      guard let target = all.baseAddress else { return }
      try communicator.allGather(
        &offer, counts: [Int](repeating: 3, count: size), dtype: .int64, into: target)
    }
    let maps = offers.enumerated().map { other, offer in
      other == rank ? own : reach(offer, share)
    }
    var reached = Int64(maps.allSatisfy { $0 != nil } ? 1 : 0)
    try communicator.allReduce(&reached, count: 1, dtype: .int64, operation: .min)
    // Nobody may use a control block before it is empty.
    own?.storeBytes(of: 0, as: Int64.self)
    try communicator.barrier()
    guard reached == 1 else {
      for case let memory? in maps { munmap(memory, share) }
      return nil
    }
    return NodeMemory(
      rank: rank, bases: maps.compactMap { $0 }, byteCount: share, descriptor: dup(descriptor))
  }

  /// How long files of this process may be: more would end it (setrlimit(2)).
  private static var fileLimit: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { return 0 }
    return Int(clamping: limit.rlim_cur)
  }

  /// Maps the memory of another rank; nil where that is not the same node, user or space of processes.
  private static func reach(_ offer: Offer, _ byteCount: Int) -> UnsafeMutableRawPointer? {
    guard offer.process > 0 else { return nil }
    let descriptor = open("/proc/\(offer.process)/fd/\(offer.descriptor)", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    // Something else may have that name in another space of processes; a shorter file must not be touched behind its end.
    var status = stat()
    guard fstat(descriptor, &status) == 0, Int(status.st_size) == byteCount,
      let memory = map(descriptor, byteCount)
    else { return nil }
    if memory.load(as: Int64.self) == offer.cookie { return memory }
    munmap(memory, byteCount)
    return nil
  }

  private static func map(_ descriptor: Int32, _ byteCount: Int) -> UnsafeMutableRawPointer? {
    var status = stat()
    guard fstat(descriptor, &status) == 0,
      Int(status.st_size) == byteCount || ftruncate(descriptor, off_t(byteCount)) == 0
    else { return nil }
    let memory = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0)
    guard let memory, memory != MAP_FAILED else { return nil }
    madvise(memory, byteCount, MADV_DONTDUMP)
    return memory
  }

  private init(
    rank: Int, bases: [UnsafeMutableRawPointer], byteCount: Int, descriptor: Int32
  ) {
    (self.rank, self.bases, self.byteCount) = (rank, bases, byteCount)
    self.descriptor = descriptor
    gaps = Mutex([Self.controlBytes..<byteCount])
  }

  deinit {
    for base in bases { munmap(base, byteCount) }
    close(descriptor)
  }

  /// Memory of this rank, not initialised; nil when none is left.
  func allocate(_ byteCount: Int) -> Storage? {
    let size = (max(byteCount, 1) + Self.pageBytes - 1) & ~(Self.pageBytes - 1)
    let start = gaps.withLock { gaps -> Int? in
      guard let index = gaps.firstIndex(where: { $0.count >= size }) else { return nil }
      let start = gaps[index].lowerBound
      gaps[index] = start + size..<gaps[index].upperBound
      if gaps[index].isEmpty { gaps.remove(at: index) }
      return start
    }
    guard let start else { return nil }
    let block = Block(self, start..<start + size)
    return Storage(bases[rank] + start, byteCount: byteCount, owner: block)
  }

  /// Where in this rank's memory `byteCount` bytes are; nil when they are elsewhere.
  func offset(of pointer: UnsafeMutableRawPointer, _ byteCount: Int) -> Int? {
    let offset = pointer - bases[rank]
    return offset >= Self.controlBytes && offset + byteCount <= self.byteCount ? offset : nil
  }

  private func release(_ range: Range<Int>) {
    // The system gets the pages back at once.
    apus_release_pages(descriptor, Int64(range.lowerBound), Int64(range.count))
    gaps.withLock { gaps in
      let index = gaps.firstIndex { $0.lowerBound > range.lowerBound } ?? gaps.endIndex
      gaps.insert(range, at: index)
      if index + 1 < gaps.count, gaps[index].upperBound == gaps[index + 1].lowerBound {
        gaps[index] = gaps[index].lowerBound..<gaps.remove(at: index + 1).upperBound
      }
      if index > 0, gaps[index - 1].upperBound == gaps[index].lowerBound {
        gaps[index - 1] = gaps[index - 1].lowerBound..<gaps.remove(at: index).upperBound
      }
    }
  }

  /// What keeps a block, and the memory it is in.
  private final class Block: Sendable {
    private let memory: NodeMemory
    private let range: Range<Int>

    init(_ memory: NodeMemory, _ range: Range<Int>) { (self.memory, self.range) = (memory, range) }

    deinit { memory.release(range) }
  }
}
