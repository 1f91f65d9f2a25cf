import CKernels
import Engine
import Foundation

/// The command that is disturbed, and every process below it, even those whose parents have died: they become children of this
/// process (Linux gives them to a *subreaper*), which takes everything with it when it ends.
final class ChaosJob {
  /// How a command ended.
  enum End: Equatable {
    case code(Int32)
    case signal(Int32)

    var text: String {
      switch self {
      case .code(let code): "exit code \(code)"
      case .signal(let number): "signal \(number)"
      }
    }
  }

  private let log: String
  private(set) var launcher: ProcessTree.Process?
  private(set) var end: End?
  private var known: [ChaosRank] = []
  private var looked = ContinuousClock.now - .seconds(1)

  /// - Parameter log: the file that what the command writes is added to.
  init(log: String) { self.log = log }

  /// Starts the command.
  ///
  /// - Throws: ``LauncherError/cannotStart(program:reason:)``.
  func start(_ words: [String]) throws {
    (end, known) = (nil, [])
    let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
    let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    defer { for descriptor in [input, output] where descriptor >= 0 { close(descriptor) } }
    // A group of its own: a Ctrl-C is for this process, which ends the command. It is told to end when this process dies, however
    // that happens.
    let number = apus_start_child(
      words[0], ProgramStart.arguments(words), [input, output, output], 1, SIGTERM)
    guard number > 0 else {
      throw LauncherError.cannotStart(program: words[0], reason: systemReason(-number))
    }
    // Not yet waited for, it is in the tree or has ended.
    launcher =
      ProcessTree(below: getpid()).processes.first { $0.number == number }
      ?? ProcessTree.Process(number: number, parent: getpid(), start: 0, name: "")
  }

  /// Notes who has ended, and waits a moment.
  ///
  /// - Throws: `ChaosStop` when this process is to end.
  func wait(milliseconds: Double = 2) throws {
    if ChaosSignals.isAsked { throw ChaosStop.interrupted }
    var status: Int32 = 0
    while true {
      let number = waitpid(-1, &status, WNOHANG)
      guard number > 0 else { break }
      if number == launcher?.number, end == nil {
        let signal = status & 0x7f
        end = signal == 0 ? .code(status >> 8 & 0xff) : .signal(signal)
      }
    }
    Thread.sleep(forTimeInterval: milliseconds / 1000)
  }

  /// Everything below this process.
  var tree: ProcessTree { ProcessTree(below: getpid()) }

  /// The ranks, the lowest first; they are looked for anew when one of them has gone, at most 20 times a second.
  func ranks() -> [ChaosRank] {
    if let first = known.first, known.count == first.size,
      known.allSatisfy({ ProcessTree.isAlive($0.process) })
    {
      return known
    }
    guard ContinuousClock.now - looked > .milliseconds(50) else { return [] }
    looked = .now
    known = ChaosRank.all(in: tree)
    return known.count == known.first?.size ? known : []
  }

  /// Waits until processes have ended.
  ///
  /// - Returns: those that have not within `seconds`.
  func awaitEnd(
    of processes: [ProcessTree.Process], seconds: Double
  ) throws -> [ProcessTree.Process] {
    let limit = ContinuousClock.now + .seconds(seconds)
    var left = processes.filter(ProcessTree.isAlive)
    while !left.isEmpty, ContinuousClock.now < limit {
      try wait(milliseconds: 10)
      left = left.filter(ProcessTree.isAlive)
    }
    return left
  }

  /// Kills everything below this process.
  func killAll() {
    let limit = ContinuousClock.now + .seconds(5)
    var status: Int32 = 0
    while ContinuousClock.now < limit {
      for process in tree.processes { ProcessTree.send(SIGKILL, to: process) }
      while waitpid(-1, &status, WNOHANG) > 0 {}
      // No child is left, not even one that has ended.
      if waitpid(-1, &status, WNOHANG) < 0, errno == ECHILD { break }
      Thread.sleep(forTimeInterval: 0.01)
    }
    (launcher, known) = (nil, [])
  }

  /// The last lines of what the command wrote.
  var lastLines: String {
    let text = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).suffix(6).map { "    \($0)" }
      .joined(separator: "\n")
  }
}

/// Why a run is given up.
enum ChaosStop: Error {
  /// This process was told to end.
  case interrupted
  /// With what has to be said.
  case failed(String)
}
