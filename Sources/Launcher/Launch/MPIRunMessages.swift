import Foundation

/// What mpirun says on standard error, without its pages about ranks that failed: the ranks have said what was wrong.
package struct MPIRunMessages {
  /// What became of a rank.
  package struct End: Equatable, Sendable {
    package var rank: Int
    package var status: ExitStatus

    package init(rank: Int, status: ExitStatus) { (self.rank, self.status) = (rank, status) }
  }

  /// How ranks ended, as far as the pages that were left out said.
  package private(set) var ends: [End] = []
  /// The rank that called MPI_Abort.
  package private(set) var aborter: Int?
  /// Machines that could not be reached, or not any more.
  package private(set) var lostHosts: [String] = []
  /// Whether mpirun has been told to end: its own troubles with that are nobody's business.
  package var isEnding = false
  private let isVerbose: Bool
  /// Whether the lines of a crash come.
  private var isInCrash = false
  private var line: [UInt8] = []
  /// The lines of a page that has begun, its rule included.
  private var page: [String]?

  package init(isVerbose: Bool) { self.isVerbose = isVerbose }

  /// Takes what mpirun wrote, and gives what is to be passed on.
  package mutating func pass(_ bytes: some Sequence<UInt8>) -> String {
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
  package mutating func finish() -> String {
    let rest = (page ?? []).joined() + String(decoding: line, as: UTF8.self)
    (page, line) = (nil, [])
    return rest
  }

  private mutating func pass(line: String) -> String {
    noteLostHost(line)
    guard !isVerbose else { return line }
    if isEnding, isAboutEnd(line) { return "" }
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
        let signal = word(after: "signal", words).flatMap({ Int32($0) })
      else {
        return false
      }
      ends.append(End(rank: rank, status: ExitStatus(signal & 0x7f)))
      return true
    }
    if page.contains("exited with non-zero status") {
      //   Process name: [[32058,1],0]
      //   Exit code:    3
      guard let name = word(after: "name:", words),
        let code = word(after: "code:", words).flatMap({ Int32($0) })
      else { return false }
      let rank = name.split(separator: ",").last.flatMap { Int($0.filter(\.isNumber)) } ?? 0
      ends.append(End(rank: rank, status: ExitStatus((code & 0xff) << 8)))
      return true
    }
    if page.contains("lost communication with a remote daemon") {
      // Remote daemon: [[32058,0],1] on node b
      let rest = page.components(separatedBy: "Remote daemon").last ?? ""
      let host = word(after: "node", rest.split(whereSeparator: \.isWhitespace).map(String.init))
      if let host { lose(host) }
      return host != nil
    }
    if page.contains("MPI_ABORT was invoked") {
      aborter = word(after: "rank", words).flatMap { Int($0) }
      return true
    }
    return page.contains("Primary job") && page.contains("a non-zero exit code")
  }

  /// Open MPI 4.1 may crash in its very last steps when it is told to end while it ends by itself.
  private mutating func isAboutEnd(_ line: String) -> Bool {
    if line.contains("*** Process received signal ***") { isInCrash = true }
    let isCrash = isInCrash
    if line.contains("*** End of error message ***") { isInCrash = false }
    // srun and Slurm's daemon say that they end a step that they were told to end.
    let isSlurms = line.hasPrefix("srun: ") || line.hasPrefix("slurmstepd-")
    return isCrash || isSlurms && !line.contains("DUE TO")
      || line.contains("abort is already in progress")
      || line.allSatisfy(\.isWhitespace)
  }

  /// `ssh: connect to host b port 22: No route to host`, `ssh: Could not resolve hostname b: ...`
  private mutating func noteLostHost(_ line: String) {
    guard line.hasPrefix("ssh: ") else { return }
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    if let host = word(after: "host", words) ?? word(after: "hostname", words) {
      lose(String(host.prefix { $0 != ":" }))
    }
  }

  private mutating func lose(_ host: String) {
    if !lostHosts.contains(host) { lostHosts.append(host) }
  }

  private func word(after word: String, _ words: [String]) -> String? {
    guard let index = words.firstIndex(of: word), index + 1 < words.count else { return nil }
    return words[index + 1]
  }
}
