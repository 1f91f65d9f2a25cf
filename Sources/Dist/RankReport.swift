import Foundation

/// What a rank says on standard error before the job ends.
package enum RankReport {
  /// Seconds between a rank's message and the end of the job. Ranks that fail together do so within
  /// milliseconds of each other; their texts must reach mpirun before it stops everybody.
  static let grace = 0.3

  /// Whether what a rank wrote is an error of its own, and not what its watch says of ranks that it waits for.
  package static func isOwnError(_ text: String, of rank: Int) -> Bool {
    text.contains("[rank \(rank)/")
  }

  /// Writes the error that all ranks have, once.
  static func printShared(_ message: String) {
    fflush(nil)
    FileHandle.standardError.write(Data("Error: \(message)\n".utf8))
  }

  /// Writes `[rank 3/8] message` for each line, in one write so that lines of ranks do not mix.
  static func print(_ message: String, rank: Int, size: Int) {
    print(message, tag: "[rank \(rank)/\(size)]")
  }

  /// Writes `[watch of rank 3/8] message`: what is said of ranks that this one waits for.
  static func print(_ message: String, watchOf rank: Int, size: Int) {
    print(message, tag: "[watch of rank \(rank)/\(size)]")
  }

  private static func print(_ message: String, tag: String) {
    // What the program printed before must not be lost with the process.
    fflush(nil)
    let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
    FileHandle.standardError.write(Data(lines.map { "\(tag) \($0)\n" }.joined().utf8))
  }
}
