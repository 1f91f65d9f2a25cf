import COpenMPI
import Foundation
import Synchronization
import Tensors

/// The ranks of an MPI job (MPI 3.1 §5: collective communication).
///
/// MPI makes progress only inside its own calls, so an all-reduce started here goes on while some
/// thread is in ``test(_:)``, ``wait(_:)`` or another collective; call ``test(_:)`` between pieces of
/// work.
///
/// Booleans travel as bytes. Counts beyond MPI's 2^31 − 1 are cut into several messages.
///
/// MPI itself adds up whatever comes. So every blocking collective begins with a message of 16 bytes in which ranks compare what they
/// call, on a communicator of its own: ranks that call different things all throw the same error before any data move. An all-reduce that
/// is only started is compared by what its data carry (`BucketSeal`), and a rank that waits in vain by `RankWatch`.
///
/// `@unchecked Sendable`: `rank`, `size`, `notes`, `node`, `whole`, `handle`, `control`, `maximumCount`
/// and `onlyThread` never change, and a journal may be used from any thread.
/// `table`, `exchanges`, `nodeReduction`, `lastMeeting`, `counts32`, `offsets32` and MPI itself are touched with `lock` held only,
/// which all communicators share, as MPI_THREAD_SERIALIZED asks for; with a library that gives less,
/// calls from other threads than the first are refused. Without the lock are: making the first
/// communicator and ending MPI, which ``MPISession`` does once, before anybody has one and after the
/// last was closed; freeing the scratch memory in `deinit`; and `MPI_Abort`, after which nothing runs.
public final class MPICommunicator: Communicator, @unchecked Sendable {
  /// The number of this process among the ranks.
  public let rank: Int

  /// The number of processes.
  public let size: Int

  /// The collectives of this rank.
  public var journal: RankJournal? { notes }

  let notes: RankJournal

  /// The number of the first rank of this rank's node.
  package let node: Int

  /// Whether this rank is the first one of its node.
  public var isFirstOfNode: Bool { node == rank }

  /// The groups that this rank has been in.
  package let groups = RankGroups()

  /// The ranks of the whole job, of which these are a group; nil for all.
  let whole: MPICommunicator?
  let handle: MPI_Comm
  /// For messages about collectives.
  let control: MPI_Comm
  let maximumCount: Int
  let onlyThread: pthread_t?
  static let lock = Mutex(())
  var table = RequestTable()
  var exchanges = ExchangeTable()
  /// When all ranks were last together, as far as this one knows.
  var lastMeeting = ContinuousClock.now
  let isClosed = Atomic(false)
  // Scratch for the parts of ranks, kept so that a collective allocates nothing.
  let counts32: UnsafeMutablePointer<Int32>
  let offsets32: UnsafeMutablePointer<Int32>
  /// What the ranks of one node do in memory; nil where they are on several, or cannot reach each other's. Set once, when the session starts.
  var nodeReduction: NodeReduction?
  var nodeMemory: NodeMemory?
  // What ranks compare before a collective.
  let header: UnsafeMutablePointer<Int64>

  /// All-reduces of at most this many bytes are made at once and blocking, even when only started.
  ///
  /// Measured with 2 ranks on one node (medians of 400, µs), blocking against nonblocking and wait:
  /// 1 KiB 0.5 and 1.2, 4 KiB 1.0 and 1.5, 8 KiB 4.5 and 6.9, 16 KiB 8.0 and 8.3, 64 KiB 16.8 and
  /// 17.2. Up to 8 KiB starting costs more than doing; beyond there is something to overlap.
  static let blockingBytes = 8 * 1024

  /// What other ranks say of the collective with a number, where they made another one; set once, when the session starts.
  let explanation = Mutex<(@Sendable (Int) -> DistError?)?>(nil)

  /// A communicator of its own over the ranks of `parent`, so that its messages meet no others.
  ///
  /// - `maximumCount`: elements of the longest message; smaller only in tests of the cutting.
  /// - `serialized`: whether the library allows calls from any thread, one at a time.
  /// - `node`: the number of the first rank of this rank's node.
  /// - `group`: of which ranks these are a part, and the journal of the group; nil for all.
  init(
    duplicating parent: MPI_Comm, maximumCount: Int = Int(Int32.max), serialized: Bool, node: Int,
    group: (whole: MPICommunicator, journal: RankJournal)? = nil
  ) throws(DistError) {
    var number: Int32 = 0
    try MPICall.run("MPI_Comm_rank", rank: -1) { MPI_Comm_rank(parent, &number) }
    let rank = Int(number)
    try MPICall.run("MPI_Comm_size", rank: rank) { MPI_Comm_size(parent, &number) }
    self.rank = rank
    self.size = Int(number)
    self.handle = try Self.duplicate(parent, rank: rank)
    self.control = try Self.duplicate(parent, rank: rank)
    self.notes = group?.journal ?? RankJournal()
    self.node = node
    self.whole = group?.whole
    self.maximumCount = maximumCount
    self.onlyThread = serialized ? nil : pthread_self()
    counts32 = .allocate(capacity: Int(number))
    counts32.initialize(repeating: 0, count: Int(number))
    offsets32 = .allocate(capacity: Int(number))
    offsets32.initialize(repeating: 0, count: Int(number))
    header = .allocate(capacity: 2)
    header.initialize(repeating: 0, count: 2)
  }

  static func duplicate(_ parent: MPI_Comm, rank: Int) throws(DistError) -> MPI_Comm {
    var copy: MPI_Comm?
    try MPICall.run("MPI_Comm_dup", rank: rank) { MPI_Comm_dup(parent, &copy) }
    guard let copy else {
      throw .call(name: "MPI_Comm_dup", rank: rank, code: 0, message: "gave no communicator")
    }
    try MPICall.run("MPI_Comm_set_errhandler", rank: rank) { apus_mpi_return_errors(copy) }
    return copy
  }

  deinit {
    counts32.deallocate()
    offsets32.deallocate()
    header.deallocate()
  }

  /// A second communicator over the same ranks whose messages have at most `maximumCount` elements.
  package func duplicate(maximumCount: Int) throws -> MPICommunicator {
    try locked("MPI_Comm_dup") { () throws(DistError) in
      try MPICommunicator(
        duplicating: handle, maximumCount: maximumCount, serialized: onlyThread == nil, node: node)
    }
  }

  /// Waits for what is pending and gives the communicator back to MPI. No call may follow.
  func close() throws(DistError) {
    for group in mpiGroups { try group.close() }
    groups.removeAll()
    try locked("MPI_Comm_free") { () throws(DistError) in
      try waitForAll()
      isClosed.store(true, ordering: .sequentiallyConsistent)
      for communicator in [handle, control] {
        var freed: MPI_Comm? = communicator
        try MPICall.run("MPI_Comm_free", rank: rank) { MPI_Comm_free(&freed) }
      }
    }
  }

  /// Returns when every rank has called it, as a barrier does, without keeping a CPU busy.
  func meetAtEnd() throws(DistError) {
    try locked("MPI_Ibarrier") { () throws(DistError) in
      for ranks in [self] + mpiGroups { try ranks.waitForAll() }
      let request = UnsafeMutablePointer<MPI_Request?>.allocate(capacity: 1)
      request.initialize(to: nil)
      defer { request.deallocate() }
      try notes.record(CollectiveCall(.end)) { (_) throws(DistError) in
        try MPICall.run("MPI_Ibarrier", rank: rank) { MPI_Ibarrier(handle, request) }
        let start = ContinuousClock.now
        while true {
          var done: Int32 = 0
          try MPICall.run("MPI_Test", rank: rank) { apus_mpi_test_all(1, request, &done) }
          if done != 0 { return }
          if ContinuousClock.now - start > .milliseconds(20) {
            Thread.sleep(forTimeInterval: 0.001)
          }
        }
      }
    }
  }

  /// Waits for all that is pending.
  private func waitForAll() throws(DistError) {
    if let nodeReduction { try finish(nodeReduction) }
    try table.waitForAll(rank: rank)
    try waitForExchanges()
  }

  func locked<R: Sendable>(
    _ call: StaticString, _ body: () throws(DistError) -> R
  ) throws(DistError) -> R {
    if let onlyThread, pthread_equal(onlyThread, pthread_self()) == 0 {
      throw .wrongThread(call: "\(call)")
    }
    return try Self.lock.withLock { (_) throws(DistError) in
      if isClosed.load(ordering: .relaxed) { throw .afterSession(call: "\(call)") }
      return try body()
    }
  }
}

// MARK: - What ranks call

extension MPICommunicator {
  /// Says how to find out what other ranks call.
  func explain(by ask: @escaping @Sendable (Int) -> DistError?) {
    explanation.withLock { $0 = ask }
  }

  /// An error that says what other ranks call at the place of `number`; nil when they call the same, or cannot be asked.
  public func difference(ofCollective number: Int) -> (any Error)? {
    whole?.difference(ofCollective: number) ?? explanation.withLock { $0 }?(number)
  }

  /// A blocking collective: compares what ranks call, then runs `body`. Called with the lock held.
  func compared(
    _ call: CollectiveCall, _ body: () throws(DistError) -> Void
  ) throws(DistError) {
    try notes.record(call) { (number) throws(DistError) in
      if let nodeReduction {
        try meet(on: nodeReduction, number, call)
      } else if size > 1 {
        let mine = Int64(hash(number, call) >> 2)
        // The largest of both is that of all ranks exactly when all have the same.
        header[0] = mine
        header[1] = -mine
        try MPICall.run("MPI_Allreduce", rank: numberInRun) {
          apus_mpi_allreduce_in_place(
            header, 2, DType.int64.mpi, apus_mpi_operation(Int32(ReduceOperation.max.rawValue)),
            control)
        }
        if header[0] != -header[1] { throw try differing(number, hash: mine) }
      }
      try body()
    }
  }

  /// What all ranks bring to a collective.
  func hash(_ number: Int, _ call: CollectiveCall) -> UInt64 {
    StableHash.combine(
      notes.entry(number)?.call.stableHash ?? call.stableHash, UInt64(number))
  }

  /// What each rank calls, gathered by all of them: the same error on every rank.
  func differing(_ number: Int, hash: Int64) throws(DistError) -> DistError {
    let length = 1024
    let text = notes.entry(number)?.description ?? ""
    var mine = [UInt8](repeating: 0, count: length)
    withUnsafeBytes(of: hash) { mine.replaceSubrange(0..<8, with: $0) }
    let place = RankJournal.place(of: number)
    let bytes = Array("\(text), its collective number \(place)".utf8.prefix(length - 8))
    mine.replaceSubrange(8..<8 + bytes.count, with: bytes)
    var all = [UInt8](repeating: 0, count: length * size)
    try MPICall.run("MPI_Allgather", rank: numberInRun) {
      apus_mpi_allgather_bytes(mine, &all, Int32(length), control)
    }
    let calls = (0..<size).map { other in
      let part = all[other * length..<(other + 1) * length]
      let hash = part.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let text = String(decoding: part.dropFirst(8).prefix { $0 != 0 }, as: UTF8.self)
      return (rank: numberInRun(of: other), hash: hash, text: text)
    }
    return .collectivesDiffer(CollectiveHolding.list(calls))
  }
}

extension DType {
  /// The type as MPI names it.
  var mpi: MPI_Datatype { apus_mpi_datatype(Int32(rawValue)) }
}

extension ReduceOperation {
  /// The operation as MPI names it, for elements of a type.
  func mpi(of dtype: DType) -> MPI_Op? {
    switch self {
    case .sum where dtype == .uint8: Self.byteSum
    case .min where dtype.isFloating: Self.floatingMin
    case .max where dtype.isFloating: Self.floatingMax
    default: apus_mpi_operation(Int32(rawValue))
    }
  }

  // `nonisolated(unsafe)`: made once, at the first reduction that needs one, with the lock of all communicators held; never
  // changed, and never freed, since MPI is not joined twice.
  private nonisolated(unsafe) static let byteSum = apus_mpi_own_operation(0)
  private nonisolated(unsafe) static let floatingMin = apus_mpi_own_operation(1)
  private nonisolated(unsafe) static let floatingMax = apus_mpi_own_operation(2)
}
