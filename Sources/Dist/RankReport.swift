import Foundation

/// What a rank says on standard error before the job ends.
package enum RankReport {
  /// Seconds between a rank's message and the end of the job. Ranks that fail together do so within
  /// milliseconds of each other; their texts must reach mpirun before it stops everybody.
  static let grace = 0.3

  /// Whether what a rank wrote is about what it did itself, and not about ranks that it waits for.
  package static func isOwnError(_ text: String, of rank: Int) -> Bool {
    guard let start = text.range(of: "[rank \(rank)/"),
      let end = text[start.upperBound...].range(of: "] ")
    else { return false }
    let message = text[end.upperBound...]
    return !["waited ", "has waited ", "ranks ", "rank "].contains { message.hasPrefix($0) }
  }

  /// Writes the error that all ranks have, once.
  static func printShared(_ message: String) {
    fflush(nil)
    FileHandle.standardError.write(Data("Error: \(message)\n".utf8))
  }

  /// Writes `[rank 3/8] message` for each line, in one write so that lines of ranks do not mix.
  static func print(_ message: String, rank: Int, size: Int) {
    // What the program printed before must not be lost with the process.
    fflush(nil)
    let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
    let text = lines.map { "[rank \(rank)/\(size)] \($0)\n" }.joined()
    FileHandle.standardError.write(Data(text.utf8))
  }
}
