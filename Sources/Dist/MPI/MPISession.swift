import COpenMPI
import Foundation
import Synchronization
import Tensors

/// MPI in this process, from `MPI_Init_thread` to `MPI_Finalize`, each called at most once.
///
/// Starting sets, unless the environment already says otherwise, Open MPI's algorithm for nonblocking
/// all-reduces to reduce-scatter and all-gather (`coll_libnbc_iallreduce_algorithm` 3): its own
/// choice in place is a binomial tree, which moves log2(ranks) times the data (measured: twice the
/// time with 2 ranks). Other MPI libraries do not read the variable.
public final class MPISession: Sendable {
  /// How the ranks were started.
  public let launch: Launch

  /// The ranks of the job.
  public let communicator: MPICommunicator

  /// The thread level that MPI gave: 1 funneled, 2 serialized, 3 multiple (MPI 3.1 §12.4.3).
  public let threadLevel: Int

  /// The number of this rank among those on the same node.
  public let localRank: Int

  /// The number of ranks on this node.
  public let localSize: Int

  private let channel: PeerChannel?
  private let watch: RankWatch?

  private enum State {
    case notStarted
    case running(MPISession)
    case ended
  }

  private static let state = Mutex(State.notStarted)

  /// The session that is running, if any.
  public static var current: MPISession? {
    state.withLock { if case .running(let session) = $0 { session } else { nil } }
  }

  /// Starts MPI; gives the running session when there is one.
  ///
  /// - Throws: ``DistError/sessionEnded`` after ``finish()``, ``DistError/threadLevel(provided:)``,
  ///   ``DistError/sizeMismatch(launcher:expected:found:)``, or an error of MPI.
  public static func start(_ launch: Launch) throws(DistError) -> MPISession {
    try state.withLock { (state) throws(DistError) in
      switch state {
      case .running(let session): return session
      case .ended: throw .sessionEnded
      case .notStarted:
        // Whatever happens from here on, MPI cannot be started a second time.
        state = .ended
        Launch.noteJoined()
        let session = try MPISession(starting: launch)
        state = .running(session)
        let communicator = session.communicator
        ProgramEnd.setJob { communicator.abort(message: $0, code: 1) }
        return session
      }
    }
  }

  private init(starting launch: Launch) throws(DistError) {
    // Some MPI libraries end the process with a page of their own where srun has given them no PMI, some make it rank 0 of 1.
    if let size = launch.size, Launch.lacksPMI(in: ProcessInfo.processInfo.environment) {
      throw .sizeMismatch(launcher: launch.launcher, expected: size, found: 1)
    }
    setenv("OMPI_MCA_coll_libnbc_iallreduce_algorithm", "3", 0)
    RankState.begin()
    var provided: Int32 = 0
    try MPICall.run("MPI_Init_thread", rank: -1) {
      apus_mpi_init(apus_mpi_thread_serialized(), &provided)
    }
    guard provided >= apus_mpi_thread_funneled() else { throw .threadLevel(provided: provided) }
    let world: MPI_Comm = apus_mpi_comm_world()
    try MPICall.run("MPI_Comm_set_errhandler", rank: -1) { apus_mpi_return_errors(world) }
    let (localRank, localSize, firstOfNode) = try Self.placeOnNode(world)
    let communicator = try MPICommunicator(
      duplicating: world, serialized: provided >= apus_mpi_thread_serialized(), node: firstOfNode)
    if let expected = launch.size, expected != communicator.size {
      throw .sizeMismatch(
        launcher: launch.launcher, expected: expected, found: communicator.size)
    }
    self.launch = launch
    self.communicator = communicator
    self.threadLevel = Int(provided)
    self.localRank = localRank
    self.localSize = localSize
    (channel, watch) = try Self.watch(communicator)
    if localSize == communicator.size, localSize > 1 {
      try Self.shareMemory(communicator)
    }
  }

  /// Lets the ranks of one node add up in memory, where they reach each other's.
  private static func shareMemory(_ communicator: MPICommunicator) throws(DistError) {
    let isWanted = try AllReduceWay.usesMemory()
    do {
      if let memory = try NodeMemory.make(communicator, isWanted: isWanted) {
        communicator.share(memory)
      }
    } catch let error as DistError {
      throw error
    } catch {
      // Unreachable: collectives of this communicator throw nothing else.
      throw .call(name: "NodeMemory", rank: communicator.rank, code: 0, message: "\(error)")
    }
  }

  /// Lets ranks ask each other what they are doing, and begins to watch how long this one waits.
  private static func watch(
    _ communicator: MPICommunicator
  ) throws(DistError) -> (PeerChannel?, RankWatch?) {
    let limit = try WaitLimit.seconds()
    guard let journal = communicator.journal else { return (nil, nil) }
    RankState.share(journal)
    guard communicator.size > 1 else { return (nil, nil) }
    let channel = PeerChannel(journal)
    do {
      var token = UInt64.random(in: .min ... .max)
      try communicator.broadcast(&token, count: 1, dtype: .int64, root: 0)
      let own = String(decoding: try JSONEncoder().encode(channel.address), as: UTF8.self)
      let peers = try communicator.allGather(text: own).map {
        try JSONDecoder().decode(PeerChannel.Address.self, from: Data($0.utf8))
      }
      channel.start(token: token, peers: peers)
    } catch let error as DistError {
      throw error
    } catch {
      // Unreachable but for a bug: what is decoded here was encoded here.
      throw .call(name: "PeerChannel", rank: communicator.rank, code: 0, message: "\(error)")
    }
    communicator.explain { [rank = communicator.rank, size = communicator.size] number in
      guard let own = journal.entry(number) else { return nil }
      let others = journal.others(inSequenceOf: number, size: size, rank: rank)
      return channel.difference(own, rank: rank, channel.ask(others, about: number), of: others)
    }
    let watch = RankWatch(
      rank: communicator.rank, size: communicator.size, journal: journal, channel: channel,
      limit: limit
    ) {
      channel.sayGoodbye()
      // MPI_Abort may wait for the thread that waits.
      Thread.detachNewThread {
        Thread.sleep(forTimeInterval: 2)
        _exit(1)
      }
      communicator.endJob(code: 1)
    }
    watch.start()
    return (channel, watch)
  }

  /// Who shares memory with this rank (MPI 3.1 §6.4.2), and the number of the first of them among all ranks.
  private static func placeOnNode(
    _ world: MPI_Comm
  ) throws(DistError) -> (rank: Int, size: Int, first: Int) {
    var first: Int32 = 0
    try MPICall.run("MPI_Comm_rank", rank: -1) { MPI_Comm_rank(world, &first) }
    let rank = Int(first)
    var node: MPI_Comm?
    try MPICall.run("MPI_Comm_split_type", rank: rank) {
      apus_mpi_split_shared(world, Int32(rank), &node)
    }
    var localRank: Int32 = 0
    var localSize: Int32 = 1
    try MPICall.run("MPI_Comm_rank", rank: rank) { MPI_Comm_rank(node, &localRank) }
    try MPICall.run("MPI_Comm_size", rank: rank) { MPI_Comm_size(node, &localSize) }
    try MPICall.run("MPI_Bcast", rank: rank) {
      MPI_Bcast(&first, 1, DType.int32.mpi, 0, node)
    }
    try MPICall.run("MPI_Comm_free", rank: rank) { MPI_Comm_free(&node) }
    return (Int(localRank), Int(localSize), Int(first))
  }

  /// Waits for all ranks and ends MPI in this process. A second call does nothing. Throws ``DistError/call(name:rank:code:message:)``
  /// when MPI fails.
  public func finish() throws(DistError) {
    let isRunning = Self.state.withLock { state in
      guard case .running = state else { return false }
      state = .ended
      return true
    }
    guard isRunning else { return }
    try communicator.meetAtEnd()
    RankState.leave()
    stopWatching()
    try communicator.close()
    ProgramEnd.setJob(nil)
    try MPICall.run("MPI_Finalize", rank: communicator.rank) { MPI_Finalize() }
  }

  private func stopWatching() {
    watch?.stop()
    channel?.sayGoodbye()
  }

  /// Ends this process, which an error has stopped, and the job with it.
  ///
  /// When all ranks have failed, rank 0 prints what all say, or else the lowest rank of those that say the same, and MPI
  /// ends in order, without `MPI_Abort` unless a collective is pending. A rank that has only heard of another one's error says nothing then.
  /// When others may be waiting for this rank it prints its text and aborts the job.
  func end(failedWith error: any Error) -> Never {
    stopWatching()
    let (rank, message) = (communicator.rank, "\(error)")
    let code = ProgramEnd.exitCode(of: error)
    let isConsequence =
      if case .failedElsewhere = (error as? EngineError)?.problem { true } else { false }
    let hash = isConsequence ? 0 : fingerprint(of: [message]) | 2
    guard let (hashes, isIdle) = communicator.failures(hash: hash) else {
      communicator.abort(message: message, code: code)
    }
    if Set(hashes).count == 1 {
      if rank == 0 { RankReport.printShared(message) }
    } else if !isConsequence, hashes.firstIndex(of: hashes[rank]) == rank {
      RankReport.print(message, rank: rank, size: communicator.size)
    }
    fflush(nil)
    // Whatever MPI waits for, this process ends.
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 3)
      _exit(code)
    }
    Self.state.withLock { $0 = .ended }
    // MPI cannot end while a collective is pending that some ranks may not have begun.
    guard isIdle else {
      Thread.sleep(forTimeInterval: RankReport.grace)
      MPI_Abort(apus_mpi_comm_world(), code)
      exit(code)
    }
    MPI_Finalize()
    exit(code)
  }

  /// Ends the job when no communicator could be made, as ``MPICommunicator/abort(message:code:)`` does.
  static func abortJob(message: String, code: Int32) -> Never {
    var rank: Int32 = 0
    var size: Int32 = 1
    var isInitialized: Int32 = 0
    MPI_Initialized(&isInitialized)
    guard isInitialized != 0 else {
      let environment = ProcessInfo.processInfo.environment
      if Launch.lacksPMI(in: environment) {
        // All tasks find it, and know no more of each other than their numbers.
        if environment["SLURM_PROCID"] == "0" { RankReport.printShared(message) }
        exit(code)
      }
      RankReport.print(message, rank: 0, size: 1)
      exit(code)
    }
    MPI_Comm_rank(apus_mpi_comm_world(), &rank)
    MPI_Comm_size(apus_mpi_comm_world(), &size)
    RankReport.print(message, rank: Int(rank), size: Int(size))
    Thread.sleep(forTimeInterval: RankReport.grace)
    MPI_Abort(apus_mpi_comm_world(), code)
    exit(code)
  }
}
