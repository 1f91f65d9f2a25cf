import Dist
import Foundation

/// What is known of a job that has failed, for one line at its end: which rank failed first, where, how, and what it last wrote.
struct JobOutcome {
  private var lines: [Int: LastLine] = [:]
  /// The rank that first wrote an error of its own, `[rank 2/3] ...`.
  private var complainer: Int?
  private var haveRanksComplained = false

  /// The last line that is not empty.
  private struct LastLine {
    private var line: [UInt8] = []
    private var isEnded = false

    mutating func add(_ bytes: some Sequence<UInt8>) {
      for byte in bytes {
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
          isEnded = true
        } else {
          if isEnded { line = [] }
          isEnded = false
          // The start of a line says enough.
          if line.count < 200 { line.append(byte) }
        }
      }
    }

    var text: String {
      String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }
  }

  /// Notes what a rank wrote to standard output.
  mutating func add(output: some Sequence<UInt8>, of rank: Int) {
    lines[rank, default: LastLine()].add(output)
  }

  /// Notes what a rank wrote to standard error.
  mutating func add(errors: some Sequence<UInt8>, of rank: Int) {
    haveRanksComplained = true
    let bytes = Array(errors)
    let text = String(decoding: bytes.prefix(256), as: UTF8.self)
    if complainer == nil, RankReport.isOwnError(text, of: rank) { complainer = rank }
  }

  /// One line; nil when ranks have said all there is to say.
  ///
  /// - Parameters:
  ///   - ends: what mpirun said of ranks, the first one first.
  ///   - seconds: how long the job ran.
  ///   - place: where in its training a rank was.
  /// - Returns: the line, without a line break.
  func summary(
    _ ends: [MPIRunMessages.End], seconds: Double, place: (Int) -> String?
  ) -> String? {
    let end = ends.first
    if let end, end.isSignal || !haveRanksComplained {
      return text(end.rank, end.host, end.text, seconds, place(end.rank))
    }
    return complainer.map { text($0, nil, "failed first", seconds, place($0)) }
  }

  private func text(
    _ rank: Int, _ host: String?, _ what: String, _ seconds: Double, _ place: String?
  ) -> String {
    // mpirun says where unless all ranks are here.
    var text = "rank \(rank) on \(host ?? ProcessInfo.processInfo.hostName) \(what)"
    if let place { text += " in \(place)" }
    text += " after \(String(format: "%.1f", seconds)) s"
    let last = lines[rank]?.text ?? ""
    return last.isEmpty ? text : text + "; its last line of output: \(last)"
  }
}
