import Dist
import Engine
import Foundation

/// What this command does in a process that mpirun, or a `RunningJob`, started: it prepares the process and becomes the
/// program. Not for people.
enum RankStart {
  /// `apus --connect-rank FOLDER program arguments...`: a rank whose output goes to the channels in `FOLDER`.
  static let connect = "--connect-rank"
  /// `apus --end-with-parent program arguments...`: a program that is told to end when its parent has gone.
  static let endWithParent = "--end-with-parent"

  /// `apus --share-node program arguments...`: a rank on a node that the launcher has not seen takes its share of the node's cores.
  static let shareNode = "--share-node"

  /// Waits, on any rank but the first: ranks have the same arguments and so the same error, and when rank 0 has said it
  /// mpirun ends the others.
  static func letFirstRankSpeak() {
    let environment = ProcessInfo.processInfo.environment
    let names = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"]
    let rank = names.lazy.compactMap { environment[$0] }.first
    if let rank, rank != "0" { Thread.sleep(forTimeInterval: 5) }
  }

  /// Becomes another program when `arguments` say so; else does nothing.
  static func runIfAsked(_ arguments: [String]) {
    switch arguments.dropFirst().first {
    case connect where arguments.count > 3:
      // Not left behind by an mpirun that dies before it has ended its ranks.
      setDeathSignal()
      let rank = ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"] ?? ""
      // mpirun may have put this rank on another machine, where the same names are other things.
      if RankChannels.areHere(arguments[2]) {
        redirect(STDOUT_FILENO, to: RankChannels.outputPath(arguments[2], rank: rank))
        redirect(STDERR_FILENO, to: RankChannels.errorPath(arguments[2], rank: rank))
        setenv(RankState.variable, RankChannels.statePath(arguments[2], rank: rank), 1)
      }
      become(Array(arguments[3...]))
    case shareNode where arguments.count > 2:
      takeShareOfNode()
      become(Array(arguments[2...]))
    case endWithParent where arguments.count > 2:
      setDeathSignal()
      become(Array(arguments[2...]))
    default: return
    }
  }

  /// What is set already stays.
  private static func takeShareOfNode() {
    let variables = ProcessInfo.processInfo.environment
    let ranks = variables["OMPI_COMM_WORLD_LOCAL_SIZE"].flatMap { Int($0) } ?? 1
    let machine = Machine.detect()
    let threads = machine.presetThreads ?? max(1, machine.cores / max(ranks, 1))
    for name in Machine.threadVariables { setenv(name, "\(threads)", 0) }
    // A rank that waits spins; it must leave its core to one that computes.
    if ranks * threads > machine.cores { setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0) }
  }

  /// Without the channel output goes the way that mpirun gave it.
  private static func redirect(_ descriptor: Int32, to path: String) {
    // O_NONBLOCK: opening a pipe that nobody reads any more would wait for ever.
    let channel = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK)
    guard channel >= 0 else { return }
    _ = fcntl(channel, F_SETFL, 0)
    dup2(channel, descriptor)
    close(channel)
  }

  private static func become(_ words: [String]) -> Never {
    execvp(words[0], ProgramStart.arguments(words))
    Console.note("cannot start \(words[0]): \(systemReason(errno))")
    exit(127)
  }

  private static func setDeathSignal() {
    #if os(Linux)
      // `prctl` takes any number of arguments, which Swift does not call.
      typealias Prctl = @convention(c) (CInt, UInt, UInt, UInt, UInt) -> CInt
      guard let symbol = dlsym(nil, "prctl") else { return }
      let setDeathSignal: CInt = 1  // PR_SET_PDEATHSIG
      _ = unsafeBitCast(symbol, to: Prctl.self)(setDeathSignal, UInt(SIGTERM), 0, 0, 0)
    #endif
  }
}
