import Foundation

/// Names of temporary files, which tell whether the process that made a file still runs.
///
/// `.apus-SYSTEM-PID-START-MARK.tmp`: the running system with its numbers of processes, the process, when it was
/// started, and a random mark.
enum TemporaryFile {
  static let prefix = ".apus-"
  static let suffix = ".tmp"

  /// A name that no other file has.
  static func newName() -> String {
    // Ranks that are threads of one process may write at the same time: the number is not enough.
    let mark = String(UInt64.random(in: .min ... .max), radix: 36)
    let pid = getpid()
    return "\(prefix)\(system ?? "0")-\(pid)-\(start(of: pid) ?? 0)-\(mark)\(suffix)"
  }

  /// Removes what processes of this system that are gone have left in `folder`, as far as that is possible.
  ///
  /// Files of other machines and containers stay: nobody here can tell whether they are still being written.
  static func removeAbandoned(in folder: String, files: any FileLayer) {
    guard let names = try? files.list(folder) else { return }
    for name in names where isAbandoned(name) { try? files.remove(folder + "/" + name) }
  }

  /// Whether a process of this system has made the file, and is gone.
  static func isAbandoned(_ name: String) -> Bool {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix), let system else { return false }
    let parts = name.dropFirst(prefix.count).dropLast(suffix.count).split(
      separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == system, let pid = pid_t(parts[1]), pid > 0,
      let start = UInt64(parts[2]), start > 0
    else { return false }
    if let found = self.start(of: pid) { return found != start }
    return kill(pid, 0) != 0 && errno == ESRCH
  }

  /// What is the same for processes whose numbers mean the same: the boot of a machine and the namespace of processes.
  /// Names of hosts do not tell: containers may have the same one.
  ///
  /// Nil where the system does not say it.
  private static let system: String? = {
    guard link("/proc/self") == "\(getpid())", let namespace = link("/proc/self/ns/pid"),
      let boot = text("/proc/sys/kernel/random/boot_id")
    else { return nil }
    var hash = SHA256()
    hash.update(Array((boot + namespace).utf8))
    return String(hash.hexDigest().prefix(12))
  }()

  /// When a process was started, in the system's ticks since its boot; nil when it does not run (any more).
  private static func start(of pid: pid_t) -> UInt64? {
    guard let text = text("/proc/\(pid)/stat"), let name = text.lastIndex(of: ")") else {
      return nil
    }
    // The name of the program, in parentheses, may have blanks. After it: the state, field 3.
    let fields = text[text.index(after: name)...].split(separator: " ")
    guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
    guard fields[0] == "Z" || fields[0] == "X" else { return start }
    // Ended, and only its parent has not heard of it yet, unless other threads go on.
    let threads = (try? SystemFiles().list("/proc/\(pid)/task")) ?? []
    return threads.count > 1 ? start : 0
  }

  private static func text(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }

  private static func link(_ path: String) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: path)
  }
}
