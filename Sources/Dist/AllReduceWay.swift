import Foundation

/// How the ranks of one node add up, as the environment says: in memory that all of them reach, unless ``variable`` is `mpi`.
enum AllReduceWay {
  static let variable = "APUS_ALLREDUCE"

  /// Whether this rank wants to use memory.
  ///
  /// - Throws: ``DistError/invalidAllReduce(_:)``.
  static func usesMemory() throws(DistError) -> Bool {
    switch ProcessInfo.processInfo.environment[variable] {
    case nil, "memory": return true
    case "mpi": return false
    case let text?: throw .invalidAllReduce(text)
    }
  }
}
