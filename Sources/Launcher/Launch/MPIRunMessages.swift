/// What mpirun says on standard error, without its pages about ranks that failed: the ranks have said what was wrong.
struct MPIRunMessages {
  /// What became of a rank.
  struct End: Equatable {
    var rank: Int
    /// `was ended by signal 9 (Killed)` or `ended with exit code 3`
    var text: String
    /// Whether a signal ended it, so that it cannot have said anything.
    var isSignal: Bool
    /// Where, as far as mpirun said.
    var host: String?
  }

  /// How ranks ended, as far as the pages that were left out said.
  private(set) var ends: [End] = []
  private let isVerbose: Bool
  private var line: [UInt8] = []
  /// The lines of a page that has begun, its rule included.
  private var page: [String]?

  init(isVerbose: Bool) { self.isVerbose = isVerbose }

  /// Takes what mpirun wrote, and gives what is to be passed on.
  mutating func pass(_ bytes: some Sequence<UInt8>) -> String {
    var result = ""
    for byte in bytes {
      line.append(byte)
      guard byte == UInt8(ascii: "\n") else { continue }
      result += pass(line: String(decoding: line, as: UTF8.self))
      line = []
    }
    return result
  }

  /// What is left when mpirun has ended.
  mutating func finish() -> String {
    let rest = (page ?? []).joined() + String(decoding: line, as: UTF8.self)
    (page, line) = (nil, [])
    return rest
  }

  private mutating func pass(line: String) -> String {
    guard !isVerbose else { return line }
    let isRule = line.hasPrefix("----------------------------------------") && !line.contains(" ")
    if var lines = page {
      lines.append(line)
      page = isRule ? nil : lines
      guard isRule else { return "" }
      return isAboutFailure(lines.joined()) ? "" : lines.joined()
    }
    if isRule {
      page = [line]
      return ""
    }
    let isAboutPages =
      line.contains("has sent help message help-mpi-api.txt / mpi-abort")
      || line.contains("have sent help message help-mpi-api.txt / mpi-abort")
      || line.contains("orte_base_help_aggregate")
      // What Open MPI 4.1 says now and then when a page comes while it ends.
      || line.contains("ORTE_ERROR_LOG") && line.contains("show_help.c")
    return isAboutPages ? "" : line
  }

  /// Whether a page says only that a rank failed; notes how it ended.
  private mutating func isAboutFailure(_ page: String) -> Bool {
    let words = page.split(whereSeparator: \.isWhitespace).map(String.init)
    if page.contains("exited on signal") {
      // mpirun noticed that process rank 1 with PID 5 on node n exited on signal 9 (Killed).
      guard let rank = word(after: "rank", words).flatMap({ Int($0) }),
        let signal = word(after: "signal", words)
      else {
        return false
      }
      let name = page.split(separator: "(").last.flatMap { $0.split(separator: ")").first } ?? ""
      ends.append(
        End(
          rank: rank, text: "was ended by signal \(signal) (\(name))", isSignal: true,
          host: word(after: "node", words)))
      return true
    }
    if page.contains("exited with non-zero status") {
      //   Process name: [[32058,1],0]
      //   Exit code:    3
      guard let name = word(after: "name:", words), let code = word(after: "code:", words) else {
        return false
      }
      let rank = name.split(separator: ",").last.flatMap { Int($0.filter(\.isNumber)) } ?? 0
      ends.append(End(rank: rank, text: "ended with exit code \(code)", isSignal: false))
      return true
    }
    return page.contains("MPI_ABORT was invoked")
      || page.contains("Primary job") && page.contains("a non-zero exit code")
  }

  private func word(after word: String, _ words: [String]) -> String? {
    guard let index = words.firstIndex(of: word), index + 1 < words.count else { return nil }
    return words[index + 1]
  }
}
