import Dist
import Foundation

/// A rank of the job below this process.
struct ChaosRank: Hashable, Sendable {
  /// Its number.
  var rank: Int
  /// How many there are.
  var size: Int
  /// Its process.
  var process: ProcessTree.Process
  /// What started it: mpirun, or its helper on this machine.
  var starter: pid_t
  /// Where it writes how far it is; nil when it was not told to.
  var stateFile: String?

  /// Where it is in its training; nil when it has not said so.
  var place: TrainingPlace? {
    guard let sighting = stateFile.flatMap({ RankSighting.read($0) }), sighting.epoch > 0 else {
      return nil
    }
    return TrainingPlace(epoch: sighting.epoch, step: sighting.step)
  }

  /// The ranks of a tree, the lowest first: of each the topmost process that is the program itself.
  static func all(in tree: ProcessTree) -> [ChaosRank] {
    var found: [ChaosRank] = []
    var below: Set<pid_t> = []
    var starters: [pid_t: pid_t] = [:]
    // A parent has mostly a lower number than its child, but numbers start anew at the largest.
    for process in tree.processes.sorted(by: { $0.start < $1.start }) {
      if below.contains(process.parent) {
        below.insert(process.number)
        continue
      }
      // What a rank has left behind is none.
      if process.parent == tree.root { continue }
      let variables = ProcessTree.environment(of: process.number)
      guard let rank = variables["OMPI_COMM_WORLD_RANK"].flatMap({ Int($0) }),
        let size = variables["OMPI_COMM_WORLD_SIZE"].flatMap({ Int($0) })
      else { continue }
      let starter = starters[process.parent] ?? process.parent
      // This command itself, before or beside the program: `apus --connect-rank ...`.
      let words = ProcessTree.words(of: process.number)
      if words.count > 1, words[0] == ProgramStart.ownPath(), words[1].hasPrefix("--") {
        starters[process.number] = starter
        continue
      }
      below.insert(process.number)
      found.append(
        ChaosRank(
          rank: rank, size: size, process: process, starter: starter,
          stateFile: variables[RankState.variable]))
    }
    return found.sorted { $0.rank < $1.rank }
  }
}

/// How far a training is.
struct TrainingPlace: Comparable, Sendable, CustomStringConvertible {
  /// Counted from 1.
  var epoch: Int
  /// Counted from 1; 0 before the first.
  var step: Int

  static func < (a: Self, b: Self) -> Bool { (a.epoch, a.step) < (b.epoch, b.step) }

  var description: String { "epoch \(epoch), step \(step)" }
}
