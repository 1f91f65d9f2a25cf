import Dist
import Foundation

/// What the process beside a rank tells the launcher.
package enum RankMessage: Codable, Equatable, Sendable {
  /// The rank's program runs.
  case started(RankProcess)
  /// How the rank is.
  case beat(RankBeat)
  /// The program has ended: the status that `waitpid` gave, and where the rank last was.
  case ended(status: Int32, RankBeat)
}

/// The processes of a rank.
package struct RankProcess: Codable, Equatable, Sendable {
  /// The name of the machine, without its domain.
  package var host: String
  /// Whether that is the launcher's own machine, so that it can look after the rank by itself.
  package var isHere: Bool
  /// The program.
  package var program: Int32
  /// The process beside it, its parent.
  package var parent: Int32
  /// Their process group.
  package var group: Int32
  /// What mpirun leaves on this machine when it is killed.
  package var leftovers: OpenMPILeftovers?

  package init(
    host: String, isHere: Bool, program: Int32, parent: Int32, group: Int32,
    leftovers: OpenMPILeftovers? = nil
  ) {
    (self.host, self.isHere, self.leftovers) = (host, isHere, leftovers)
    (self.program, self.parent, self.group) = (program, parent, group)
  }
}

/// How a rank is.
package struct RankBeat: Codable, Equatable, Sendable {
  /// What it says of itself.
  package var sighting = RankSighting()
  /// Whether a signal has stopped its process, or the one beside it.
  package var isStopped = false

  /// A rank that has said nothing.
  package init() {}

  /// Looks at a rank of this machine.
  ///
  /// - Parameters:
  ///   - state: the path of its ``RankState``.
  ///   - process: its processes.
  /// - Returns: how it is now.
  package static func look(state: String, _ process: RankProcess) -> RankBeat {
    var beat = RankBeat()
    beat.sighting = RankSighting.read(state) ?? RankSighting()
    let numbers = Set([process.program, beat.sighting.process]).filter { $0 > 0 }
    beat.isStopped = numbers.contains { ProcessTable.state(of: $0) == "T" }
    return beat
  }
}

/// What the system says of processes.
package enum ProcessTable {
  /// `R`, `S`, `D`, `Z`, `T` (stopped by a signal), `t` (by a debugger) ...; nil when there is no such process.
  package static func state(of process: Int32) -> Character? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
      return nil
    }
    // The name before it stands in parentheses and may hold anything.
    guard let end = text.lastIndex(of: ")") else { return nil }
    return text[text.index(after: end)...].first { $0 != " " }
  }

  /// Whether a process runs, or could: not when it has ended and its parent has not asked how.
  package static func isAlive(_ process: Int32) -> Bool {
    guard process > 0, kill(process, 0) == 0 || errno == EPERM else { return false }
    return state(of: process) != "Z"
  }
}
