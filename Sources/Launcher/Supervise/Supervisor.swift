import Engine
import Foundation

/// Runs a job, starts it again when it failed and that may help, and ends this process as the job ended.
struct Supervisor {
  let supervision: Supervision
  let isVerbose: Bool
  /// The command line of the job without machines that are lost; nil when the ranks that are left are too few.
  let makeCommand: (_ lostHosts: [String]) throws -> JobCommand?

  /// Seconds that an mpirun whose ranks have ended gets to tidy up.
  private static let tidying = 5.0

  /// Runs the job.
  ///
  /// - Throws: ``LauncherError`` when it cannot be started at all.
  func run() throws -> Never {
    fflush(nil)
    if let folder = supervision.logFolder { try RankLogs.prepare(folder) }
    let signals = SignalPipe.open([SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGUSR1])
    let secret = Self.makeSecret()
    setenv(RankParent.secretVariable, secret, 1)
    let memory = StateMemory.make()
    if let memory { setenv(StateMemory.variable, memory, 1) }
    defer { StateMemory.remove(memory) }
    var policy = RestartPolicy(maxRestarts: supervision.maxRestarts)
    var lostHosts: [String] = []
    var old: [JobStarter] = []
    var number = 0
    var firstFailure: String?
    while true {
      guard let command = try makeCommand(lostHosts) else { break }
      setenv(RestartVariables.count, "\(number)", 1)
      setenv(RestartVariables.isLast, number >= supervision.maxRestarts ? "1" : "0", 1)
      ProgramStart.setVariables(command.environment)
      if command.starter == .none { setenv(RankParent.aloneVariable, "1", 1) }
      let (report, starter) = try JobAttempt(
        command, supervision, number: number, secret: secret, signals: signals,
        isVerbose: isVerbose
      ).run()
      old.append(starter)
      for host in report.lostHosts where !lostHosts.contains(host) { lostHosts.append(host) }
      switch policy.decide(after: report.attempt) {
      case .end(let code, let reason):
        if report.attempt.signal == nil || report.attempt.isSaved, let text = report.summary {
          Console.note(text)
        }
        let first = firstFailure.map { "; the first failure was: \($0)" } ?? ""
        if let reason { Console.note(reason + first) }
        if code == RestartPolicy.savedCode, supervision.requeues { SlurmRequeue.ask() }
        finish(old, memory, code: code)
      case .restart(let next):
        number = next
        firstFailure = firstFailure ?? report.text
        let place = report.attempt.isApus ? " from the newest state" : ""
        Console.note(
          "\(report.text ?? "the job failed"); restart \(next) of \(supervision.maxRestarts)\(place)"
        )
        if let signal = pause(signals) { finish(old, memory, code: 128 + signal) }
        Self.reap(&old)
      }
    }
    finish(old, memory, code: 1)
  }

  /// Forgets those that have ended.
  private static func reap(_ starters: inout [JobStarter]) {
    for index in starters.indices where starters[index].hasEnded() {
      starters[index].tidy()
      starters[index].closeStreams()
    }
    starters.removeAll { $0.end != nil }
  }

  /// Waits before a restart.
  ///
  /// - Returns: a signal that came meanwhile and asks to end.
  private func pause(_ signals: Int32) -> Int32? {
    let end = ContinuousClock.now + .seconds(supervision.restartDelay)
    while ContinuousClock.now < end {
      Descriptor.wait([signals], seconds: (end - ContinuousClock.now) / .seconds(1))
      for number in Descriptor.read(signals) ?? [] where number != UInt8(SIGCHLD) {
        return Int32(number)
      }
    }
    return nil
  }

  /// Waits for what tidies up, and ends this process.
  private func finish(_ old: [JobStarter], _ memory: String?, code: Int32) -> Never {
    var left = old
    let limit = ContinuousClock.now + .seconds(Self.tidying)
    while true {
      Self.reap(&left)
      if left.isEmpty { break }
      if ContinuousClock.now > limit { left.forEach { $0.signal(SIGKILL) } }
      // Nobody reads what it says any more; it must not wait for that.
      for index in left.indices {
        _ = left[index].read(isError: true)
        _ = left[index].read(isError: false)
      }
      Thread.sleep(forTimeInterval: 0.005)
    }
    StateMemory.remove(memory)
    exit(code)
  }

  /// Random numbers of the system as 32 hexadecimal digits.
  private static func makeSecret() -> String {
    (0..<2).map { _ in
      let digits = String(UInt64.random(in: .min ... .max), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
