import Foundation

/// The processes that stand below one, as `/proc` of Linux shows them at one moment.
struct ProcessTree {
  /// A process. Its number may be given to another one later: `number` and `start` together never are.
  struct Process: Hashable, Sendable {
    var number: pid_t
    var parent: pid_t
    /// When it began, in clock ticks since the machine did.
    var start: UInt64
    /// The first 15 bytes of the program's name.
    var name: String
  }

  let root: pid_t
  /// All processes below the root, without those that have ended and wait for their parent to notice.
  let processes: [Process]

  /// The tree below `root`, which is not in it.
  init(below root: pid_t) {
    self.root = root
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    let all = names.compactMap { pid_t($0) }.compactMap(Self.read)
    let children = Dictionary(grouping: all, by: \.process.parent)
    var found: [Process] = []
    var open = [root]
    while let next = open.popLast() {
      for child in children[next] ?? [] {
        open.append(child.process.number)
        if !child.hasEnded { found.append(child.process) }
      }
    }
    processes = found.sorted { $0.number < $1.number }
  }

  /// Sends a signal to a process if it is still the one that it was.
  ///
  /// - Returns: whether it was there.
  @discardableResult
  static func send(_ signal: Int32, to process: Process) -> Bool {
    guard isAlive(process) else { return false }
    return kill(process.number, signal) == 0
  }

  /// Whether a process runs, or is stopped: it has not ended.
  static func isAlive(_ process: Process) -> Bool {
    guard let now = read(process.number) else { return false }
    return now.process.start == process.start && !now.hasEnded
  }

  /// What a process was started with: its variables; none when it has gone.
  static func environment(of process: pid_t) -> [String: String] {
    let pairs = strings("/proc/\(process)/environ").compactMap { text -> (String, String)? in
      guard let equals = text.firstIndex(of: "=") else { return nil }
      return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
    return Dictionary(pairs) { first, _ in first }
  }

  /// What a process was started with: its words; none when it has gone.
  static func words(of process: pid_t) -> [String] { strings("/proc/\(process)/cmdline") }

  private static func strings(_ path: String) -> [String] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func read(_ number: pid_t) -> (process: Process, hasEnded: Bool)? {
    guard let data = FileManager.default.contents(atPath: "/proc/\(number)/stat") else {
      return nil
    }
    // `12 (name) S 1 ...`: a name may have spaces and brackets of its own.
    let text = String(decoding: data, as: UTF8.self)
    guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else {
      return nil
    }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 19, let parent = pid_t(fields[1]), let start = UInt64(fields[19]) else {
      return nil
    }
    let name = String(text[text.index(after: open)..<close])
    let process = Process(number: number, parent: parent, start: start, name: name)
    return (process, fields[0] == "Z" || fields[0] == "X")
  }
}
