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
/// `table`, `lastMeeting`, `counts32`, `offsets32` and MPI itself are touched with `lock` held only,
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

  private let notes: RankJournal

  /// The number of the first rank of this rank's node.
  package let node: Int

  /// Whether this rank is the first one of its node.
  public var isFirstOfNode: Bool { node == rank }

  /// The groups that this rank has been in.
  package let groups = RankGroups()

  /// The ranks of the whole job, of which these are a group; nil for all.
  private let whole: MPICommunicator?
  private let handle: MPI_Comm
  /// For messages about collectives.
  private let control: MPI_Comm
  private let maximumCount: Int
  private let onlyThread: pthread_t?
  private static let lock = Mutex(())
  private var table = RequestTable()
  /// When all ranks were last together, as far as this one knows.
  private var lastMeeting = ContinuousClock.now
  private let isClosed = Atomic(false)
  // Scratch for the parts of ranks, kept so that a collective allocates nothing.
  private let counts32: UnsafeMutablePointer<Int32>
  private let offsets32: UnsafeMutablePointer<Int32>
  // What ranks compare before a collective.
  private let header: UnsafeMutablePointer<Int64>

  /// All-reduces of at most this many bytes are made at once and blocking, even when only started.
  ///
  /// Measured with 2 ranks on one node (medians of 400, µs), blocking against nonblocking and wait:
  /// 1 KiB 0.5 and 1.2, 4 KiB 1.0 and 1.5, 8 KiB 4.5 and 6.9, 16 KiB 8.0 and 8.3, 64 KiB 16.8 and
  /// 17.2. Up to 8 KiB starting costs more than doing; beyond there is something to overlap.
  static let blockingBytes = 8 * 1024

  /// What other ranks say of the collective with a number, where they made another one; set once, when the session starts.
  private let explanation = Mutex<(@Sendable (Int) -> DistError?)?>(nil)

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

  private static func duplicate(_ parent: MPI_Comm, rank: Int) throws(DistError) -> MPI_Comm {
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
      try table.waitForAll(rank: rank)
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
      for ranks in [self] + mpiGroups { try ranks.table.waitForAll(rank: rank) }
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

  private func locked<R: Sendable>(
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
  private func compared(
    _ call: CollectiveCall, _ body: () throws(DistError) -> Void
  ) throws(DistError) {
    try notes.record(call) { (number) throws(DistError) in
      if size > 1 {
        let hash = notes.entry(number)?.call.stableHash ?? call.stableHash
        let mine = Int64(StableHash.combine(hash, UInt64(number)) >> 2)
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

  /// What each rank calls, gathered by all of them: the same error on every rank.
  private func differing(_ number: Int, hash: Int64) throws(DistError) -> DistError {
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

// MARK: - All-reduce

extension MPICommunicator {
  /// Replaces each element by its combination over all ranks (MPI 3.1 §5.9.6). Throws as ``/Engine/Communicator`` says.
  public func allReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws {
    try CollectiveArguments.check(reducing: count, dtype: dtype, operation: operation)
    let call = CollectiveCall(.allReduce, count: count, dtype: dtype, operation: operation)
    try locked("MPI_Allreduce") { () throws(DistError) in
      try compared(call) { () throws(DistError) in
        try reduceNow(buffer, count, dtype, operation)
      }
    }
  }

  /// Begins an all-reduce (MPI 3.1 §5.12.8). Throws as ``/Engine/Communicator`` says.
  ///
  /// In place: Open MPI's nonblocking all-reduce in place is a binomial reduce and broadcast unless
  /// told otherwise, and the session tells it (see ``MPISession``). Measured with 2 ranks on one node,
  /// medians in µs at 64 KiB, 1 MiB and 16 MiB, in one quiet run: blocking 23, 115, 3400; nonblocking
  /// in place as it comes 36, 239, 7440; out of place from a kept scratch (with its copy) 33, 244,
  /// 7240; in place with reduce-scatter and all-gather, which is done here, 22, 122, 3940. So there is
  /// no scratch and no copy.
  public func startAllReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws -> Int {
    try CollectiveArguments.check(
      reducing: count, dtype: dtype, operation: operation, call: "startAllReduce")
    let call = CollectiveCall(.allReduce, count: count, dtype: dtype, operation: operation)
    return try locked("MPI_Iallreduce") { () throws(DistError) in
      // Every rank has the same count, so all take the same way.
      let messages = (count + maximumCount - 1) / maximumCount
      if count * dtype.size <= Self.blockingBytes || messages > RequestTable.requestsPerSlot {
        try notes.record(call) { (number) throws(DistError) in
          try explained(number) { () throws(DistError) in
            try reduceNow(buffer, count, dtype, operation)
          }
        }
        return table.finishedToken()
      }
      let token = table.open(number: notes.begin(call))
      do throws(DistError) {
        try inMessages(count) { (offset, length) throws(DistError) in
          try table.add(to: token) { (request) throws(DistError) in
            try MPICall.run("MPI_Iallreduce", rank: numberInRun) {
              apus_mpi_iallreduce_in_place(
                buffer + offset * dtype.size, length, dtype.mpi, operation.mpi(of: dtype), handle,
                request)
            }
          }
        }
      } catch {
        // Nobody will have the token: what it began must end before the buffer is used or freed.
        try? table.wait(token, rank: numberInRun)
        throw error
      }
      return token
    }
  }

  /// Returns when the all-reduce of `token` is done. Throws as ``/Engine/Communicator`` says.
  public func wait(_ token: Int) throws {
    try locked("MPI_Waitall") { () throws(DistError) in
      let number = table.number(of: token)
      notes.wait(for: number)
      defer { notes.stopWaiting() }
      try explained(number) { () throws(DistError) in try table.wait(token, rank: numberInRun) }
    }
  }

  /// Runs calls of MPI that fail where ranks call different things, and says so then.
  private func explained(
    _ number: Int, _ body: () throws(DistError) -> Void
  ) throws(DistError) {
    do throws(DistError) {
      try body()
    } catch {
      throw (difference(ofCollective: number) as? DistError) ?? error
    }
  }

  /// Whether the all-reduce of `token` is done; makes progress on all that are pending. Throws as ``/Engine/Communicator``
  /// says.
  public func test(_ token: Int) throws -> Bool {
    try locked("MPI_Testall") { () throws(DistError) in try table.test(token, rank: numberInRun) }
  }

  private func reduceNow(
    _ buffer: UnsafeMutableRawPointer, _ count: Int, _ dtype: DType, _ operation: ReduceOperation
  ) throws(DistError) {
    defer { lastMeeting = .now }
    try inMessages(count) { (offset, length) throws(DistError) in
      try MPICall.run("MPI_Allreduce", rank: numberInRun) {
        apus_mpi_allreduce_in_place(
          buffer + offset * dtype.size, length, dtype.mpi, operation.mpi(of: dtype), handle)
      }
    }
  }

  /// Cuts `count` elements into messages that MPI's 32-bit counts can name.
  ///
  /// - `send`: given the first element and the number of elements of each message.
  private func inMessages(
    _ count: Int, _ send: (Int, Int32) throws(DistError) -> Void
  ) throws(DistError) {
    for start in stride(from: 0, to: count, by: maximumCount) {
      try send(start, Int32(min(maximumCount, count - start)))
    }
  }
}

// MARK: - Other collectives

extension MPICommunicator {
  /// Copies `count` elements from rank `root` to all others (MPI 3.1 §5.4). Throws as ``/Engine/Communicator`` says.
  public func broadcast(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, root: Int
  ) throws {
    try CollectiveArguments.check(broadcasting: count, root: root, size: size)
    let call = CollectiveCall(.broadcast, count: count, dtype: dtype, root: root)
    try locked("MPI_Bcast") { () throws(DistError) in
      try compared(call) { () throws(DistError) in try broadcastNow(buffer, count, dtype, root) }
    }
  }

  /// Concatenates what the ranks hold, on every rank (MPI 3.1 §5.7). Throws as ``/Engine/Communicator`` says.
  public func allGather(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    try CollectiveArguments.check(gathering: counts, size: size)
    let total = counts.reduce(0, +)
    let mine = into + counts[..<rank].reduce(0, +) * dtype.size
    // MPI_IN_PLACE must be given by all ranks or none, and a rank does not know where the others' parts are: all put theirs
    // into place first.
    if send != UnsafeRawPointer(mine) { memmove(mine, send, counts[rank] * dtype.size) }
    let call = CollectiveCall(.allGather, parts: counts, dtype: dtype)
    try locked("MPI_Allgatherv") { () throws(DistError) in
      defer { lastMeeting = .now }
      try compared(call) { () throws(DistError) in try gatherNow(counts, total, dtype, into) }
    }
  }

  private func gatherNow(
    _ counts: [Int], _ total: Int, _ dtype: DType, _ into: UnsafeMutableRawPointer
  ) throws(DistError) {
    if total > maximumCount {
      // Places beyond 32 bits cannot be named to MPI_Allgatherv: each rank sends to all in turn.
      var start = 0
      for root in 0..<size {
        try broadcastNow(into + start * dtype.size, counts[root], dtype, root)
        start += counts[root]
      }
      return
    }
    var start = 0
    for other in 0..<size {
      counts32[other] = Int32(counts[other])
      offsets32[other] = Int32(start)
      start += counts[other]
    }
    try MPICall.run("MPI_Allgatherv", rank: numberInRun) {
      apus_mpi_allgatherv_in_place(into, counts32, offsets32, dtype.mpi, handle)
    }
  }

  /// Adds up what the ranks bring, and gives each rank its part of the sum (MPI 3.1 §5.10.2). Throws as ``/Engine/Communicator`` says.
  public func reduceScatter(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    try CollectiveArguments.check(scattering: counts, size: size, dtype: dtype)
    let call = CollectiveCall(.reduceScatter, parts: counts, dtype: dtype)
    try locked("MPI_Reduce_scatter") { () throws(DistError) in
      defer { lastMeeting = .now }
      try compared(call) { () throws(DistError) in
        try reduceScatterNow(send, counts, call.count, dtype, into)
      }
    }
  }

  private func reduceScatterNow(
    _ send: UnsafeRawPointer, _ counts: [Int], _ total: Int, _ dtype: DType,
    _ into: UnsafeMutableRawPointer
  ) throws(DistError) {
    let sum = ReduceOperation.sum.mpi(of: dtype)
    if total > maximumCount {
      // More than MPI_Reduce_scatter can count: the parts one after the other, each to its rank.
      var start = 0
      for root in 0..<size {
        try inMessages(counts[root]) { (offset, length) throws(DistError) in
          try MPICall.run("MPI_Reduce", rank: numberInRun) {
            MPI_Reduce(
              send + (start + offset) * dtype.size, into + offset * dtype.size, length, dtype.mpi,
              sum, Int32(root), handle)
          }
        }
        start += counts[root]
      }
      return
    }
    for other in 0..<size { counts32[other] = Int32(counts[other]) }
    try MPICall.run("MPI_Reduce_scatter", rank: numberInRun) {
      MPI_Reduce_scatter(send, into, counts32, dtype.mpi, sum, handle)
    }
  }

  /// Returns when every rank has called it (MPI 3.1 §5.3). Throws as ``/Engine/Communicator`` says.
  public func barrier() throws {
    try locked("MPI_Barrier") { () throws(DistError) in
      defer { lastMeeting = .now }
      try compared(CollectiveCall(.barrier)) { () throws(DistError) in
        try MPICall.run("MPI_Barrier", rank: numberInRun) { MPI_Barrier(handle) }
      }
    }
  }

  private func broadcastNow(
    _ buffer: UnsafeMutableRawPointer, _ count: Int, _ dtype: DType, _ root: Int
  ) throws(DistError) {
    try inMessages(count) { (offset, length) throws(DistError) in
      try MPICall.run("MPI_Bcast", rank: numberInRun) {
        MPI_Bcast(buffer + offset * dtype.size, length, dtype.mpi, Int32(root), handle)
      }
    }
  }

  /// Finds out whether all ranks have failed, this one with a text whose hash is `hash`.
  ///
  /// Ranks that read the same file, or the same argument, fail alike and at about the same time: those that are not heard of
  /// after half of the time that this one took since they last met (at least half a second, at most ten) have not.
  ///
  /// - Returns: the hashes of all ranks and whether nothing is pending on any, so that MPI can be ended: the same on all
  ///   ranks; nil when some rank has not failed, or another thread is using MPI.
  func failures(hash: UInt64) -> (hashes: [UInt64], isIdle: Bool)? {
    if let onlyThread, pthread_equal(onlyThread, pthread_self()) == 0 { return nil }
    let found: (hashes: [UInt64], isIdle: Bool)?? = Self.lock.withLockIfAvailable { _ in
      let now = ContinuousClock.now
      let end = now + min(max((now - lastMeeting) / 2, .seconds(0.5)), .seconds(10))
      // Never freed: what has been started may still be under way when the process ends.
      let mine = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
      // The lowest bit says whether something is pending here.
      let isIdle = ([self] + mpiGroups).allSatisfy { $0.table.isEmpty }
      mine.initialize(to: hash & ~1 | (isIdle ? 0 : 1))
      let all = UnsafeMutablePointer<UInt64>.allocate(capacity: size)
      all.initialize(repeating: 0, count: size)
      let request = UnsafeMutablePointer<MPI_Request?>.allocate(capacity: 1)
      request.initialize(to: nil)
      guard apus_mpi_iallgather_world(mine, all, request) == apus_mpi_success() else { return nil }
      var done: Int32 = 0
      while done == 0 {
        guard apus_mpi_test_all(1, request, &done) == apus_mpi_success() else { return nil }
        if done == 0 {
          if ContinuousClock.now > end { return nil }
          Thread.sleep(forTimeInterval: 0.001)
        }
      }
      let words = UnsafeBufferPointer(start: all, count: size)
      return (words.map { $0 & ~1 }, words.allSatisfy { $0 & 1 == 0 })
    }
    return found ?? nil
  }

  /// Prints `[rank 3/8] message`, waits a moment so that other ranks which fail now can print theirs,
  /// and ends the job (MPI 3.1 §8.7).
  public func abort(message: String, code: Int32) -> Never {
    if let whole { whole.abort(message: message, code: code) }
    RankReport.print(message, rank: rank, size: size)
    endJob(code: code)
  }

  /// Ends the job (MPI 3.1 §8.7).
  ///
  /// Takes no lock: another thread of this rank may be inside a collective that will never end.
  func endJob(code: Int32) -> Never {
    if !isClosed.load(ordering: .relaxed) {
      Thread.sleep(forTimeInterval: RankReport.grace)
      MPI_Abort(handle, code == 0 ? 1 : code)
    }
    exit(code == 0 ? 1 : code)
  }
}

// MARK: - Groups

extension MPICommunicator: PartibleCommunicator {
  /// The number of this rank in the whole job.
  private var numberInRun: Int { numberInRun(of: rank) }

  /// The groups that this rank is in.
  private var mpiGroups: [MPICommunicator] { groups.all.compactMap { $0 as? MPICommunicator } }

  /// What joins the ranks of this rank's group (MPI 3.1 §6.4.2); nil when it is in none. Throws as ``/Engine/Communicator`` says.
  package func makeGroup(
    of partition: RankPartition, number: Int
  ) throws -> (any Communicator)? {
    let members = partition.members(with: rank)
    var call = CollectiveCall(.split)
    call.label = CollectiveLabel(partition.name)
    var part: MPI_Comm?
    try locked("MPI_Comm_split") { () throws(DistError) in
      try compared(call) { () throws(DistError) in
        let color = members.map { Int32($0[0]) } ?? apus_mpi_undefined()
        try MPICall.run("MPI_Comm_split", rank: rank) {
          MPI_Comm_split(handle, color, Int32(rank), &part)
        }
      }
    }
    guard let members, let part else { return nil }
    return try locked("MPI_Comm_dup") { () throws(DistError) in
      let journal = notes.group(number, of: members, name: partition.name)
      let group = try MPICommunicator(
        duplicating: part, maximumCount: maximumCount, serialized: onlyThread == nil, node: node,
        group: (self, journal))
      var freed: MPI_Comm? = part
      try MPICall.run("MPI_Comm_free", rank: rank) { MPI_Comm_free(&freed) }
      return group
    }
  }
}

extension DType {
  /// The type as MPI names it.
  var mpi: MPI_Datatype { apus_mpi_datatype(Int32(rawValue)) }
}

extension ReduceOperation {
  /// The operation as MPI names it, for elements of a type.
  fileprivate func mpi(of dtype: DType) -> MPI_Op? {
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
