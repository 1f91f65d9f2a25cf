import Dist
import Engine
import Foundation

/// What this command does in a process that mpirun started: it prepares the process and becomes the program, or stays beside it. Not for
/// people.
enum RankStart {
  /// `apus --connect-rank FOLDER program arguments...`: the parent of a rank whose output goes to the channels in `FOLDER`.
  static let connect = "--connect-rank"
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
      RankParent(folder: arguments[2]).run(Array(arguments[3...]))
    case shareNode where arguments.count > 2:
      NodeShare.take()
      become(Array(arguments[2...]))
    default: return
    }
  }

  private static func become(_ words: [String]) -> Never {
    execvp(words[0], ProgramStart.arguments(words))
    Console.note("cannot start \(words[0]): \(systemReason(errno))")
    exit(127)
  }
}
