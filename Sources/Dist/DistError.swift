import Tensors

/// Everything that Dist throws: what a rank was doing, what it found, and what to do.
public enum DistError: Error, Hashable, Sendable {
  /// A call of MPI that did not return success.
  case call(name: String, rank: Int, code: Int32, message: String)
  /// MPI cannot be used by a program with threads.
  case threadLevel(provided: Int32)
  /// A call from another thread than the one that started MPI, whose library allows only that one.
  case wrongThread(call: String)
  /// A second start of MPI in one process, which the standard does not allow.
  case sessionEnded
  /// A collective after `withStrategy(.mpi)` has returned, by something that was made inside it.
  case afterSession(call: String)
  /// The launcher says another number of ranks than MPI does.
  case sizeMismatch(launcher: String, expected: Int, found: Int)
  /// A token that no `startAllReduce` of this communicator gave.
  case unknownToken(Int)
  /// A number of ranks below 1.
  case invalidSize(Int)
  /// The system gave no thread for a rank.
  case noThread(code: Int32)
  /// Another rank of this process threw, so that this one cannot go on.
  case peerFailed(rank: Int, message: String)
  /// Another rank of this process returned while this one waits for it.
  case peerReturned(rank: Int, call: String)
  /// Ranks made different collectives at the same place of their sequence.
  case collectivesDiffer([CollectiveHolding])
  /// The memory that ranks of a node share has no room for what one of them brings.
  case noSharedMemory(bytes: Int)
  /// A variable of the environment that names no way in which ranks of a node add up.
  case invalidAllReduce(String)
  /// A variable of the environment that is no number of seconds.
  case invalidWaitLimit(String)
}

/// The ranks that made the same collective.
public struct CollectiveHolding: Hashable, Sendable {
  /// In increasing order.
  public var ranks: [Int]
  /// The collective, and where in the training it was begun.
  public var call: String

  /// Groups the collectives of ranks, in the order of the lowest rank of each: equal hashes stand for equal collectives.
  static func list(
    _ calls: [(rank: Int, hash: UInt64, text: String)]
  ) -> [CollectiveHolding] {
    var held: [(hash: UInt64, holding: CollectiveHolding)] = []
    for (rank, hash, text) in calls.sorted(by: { $0.rank < $1.rank }) {
      if let known = held.firstIndex(where: { $0.hash == hash }) {
        held[known].holding.ranks.append(rank)
      } else {
        held.append((hash, CollectiveHolding(ranks: [rank], call: text)))
      }
    }
    return held.map(\.holding)
  }
}

extension DistError: CustomStringConvertible {
  /// One line of text for a person.
  public var description: String {
    switch self {
    case .call(let name, let rank, let code, let message):
      return "\(name) failed on rank \(rank) with code \(code): \(message)"
    case .threadLevel(let provided):
      return "MPI provides thread level \(provided), but MPI_THREAD_FUNNELED (1) is needed; "
        + "use an MPI library built with threads"
    case .wrongThread(let call):
      return "\(call): this MPI library may be called only from the thread that started it "
        + "(MPI_THREAD_FUNNELED); make collectives on that thread"
    case .sessionEnded:
      return "MPI was finalized and cannot be started again in one process; put everything that "
        + "needs ranks into one withStrategy(.mpi)"
    case .afterSession(let call):
      return "\(call): withStrategy(.mpi) has returned, and MPI has ended with it; do what needs "
        + "all ranks (fit, evaluate, predict) inside it, or let each rank work by "
        + "itself: alone { ... }"
    case .sizeMismatch(let launcher, let expected, let found):
      return "\(launcher) started \(expected) ranks, but MPI sees \(found): every rank would train "
        + "alone. Use the mpirun of this MPI library, or srun --mpi=pmix"
    case .unknownToken(let token):
      return "no all-reduce with token \(token) was started here"
    case .invalidSize(let size):
      return "the number of ranks must be 1 or more, not \(size)"
    case .noThread(let code):
      return "no thread could be started for a rank (error \(code)); use fewer ranks"
    case .peerFailed(let rank, let message):
      return "stopped because rank \(rank) failed: \(message)"
    case .peerReturned(let rank, let call):
      return "rank \(rank) has returned, but other ranks wait for it in \(call): every rank must "
        + "make the same collectives"
    case .collectivesDiffer(let held):
      let parts = held.map { "\(EngineError.Holding.name(ranks: $0.ranks)): \($0.call)" }
      return "ranks made different collectives at the same place: "
        + parts.joined(separator: "; ")
        + ". Every rank must make the same ones in the same order; what one rank does by itself goes into alone { }"
    case .noSharedMemory(let bytes):
      return "no room for \(bytes) bytes in the memory that the ranks of this node share; use "
        + "smaller tensors, or \(AllReduceWay.variable)=mpi"
    case .invalidAllReduce(let text):
      return "\(AllReduceWay.variable) is \"\(text)\": it must be memory or mpi"
    case .invalidWaitLimit(let text):
      return "\(WaitLimit.variable) is \"\(text)\": it must be a number of seconds, 0 for no limit"
    }
  }
}
