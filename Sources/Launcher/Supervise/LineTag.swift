/// Puts a tag in front of every line of a rank.
package struct LineTag: Sendable {
  private let tag: [UInt8]
  private var isAtStart = true
  private var hasReturned = false

  /// - Parameters:
  ///   - rank: the rank that writes.
  ///   - host: the machine that it runs on.
  package init(rank: Int, host: String) { tag = Array("[rank \(rank) \(host)] ".utf8) }

  /// `bytes`, which follow those before, with the tag. A line that says itself whose it is, as errors of ranks do, stays as it is. What follows a
  /// carriage return, as in a progress bar, is tagged like a line.
  package mutating func add(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      let isBreak = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
      if isAtStart, !isBreak || byte == UInt8(ascii: "\n") && !hasReturned {
        if !Self.own.contains(where: { bytes[index...].starts(with: $0) }) { result += tag }
        isAtStart = false
      }
      result.append(byte)
      if isBreak { (isAtStart, hasReturned) = (true, byte == UInt8(ascii: "\r")) }
    }
    return result
  }

  private static let own = ["[rank ", "[watch of rank "].map { Array($0.utf8) }
}
