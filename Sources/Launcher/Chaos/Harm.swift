import Engine
import Foundation

/// Does a fault to a job.
struct Harm {
  /// What was done.
  struct Deed {
    /// For the report: `rank 1 killed`.
    var text: String
    /// Processes that must not be there when the training goes on.
    var gone: Set<ProcessTree.Process> = []
    /// Ends what lasts for a moment, and when that is to be.
    var undo: (at: ContinuousClock.Instant, action: () -> Void)?
  }

  let job: ChaosJob
  /// The output folder of the command.
  let output: String

  /// Does it.
  ///
  /// - Returns: what was done; nil when there was nothing to do it to any more.
  func `do`(_ fault: Fault, to ranks: [ChaosRank]) throws -> Deed? {
    let target = ranks[fault.choice(1, of: ranks.count)]
    let all = Set(ranks.map(\.process))
    switch fault.kind {
    case .kill:
      guard ProcessTree.send(SIGKILL, to: target.process) else { return nil }
      return Deed(text: "rank \(target.rank) killed", gone: all)
    case .stop:
      guard ProcessTree.send(SIGSTOP, to: target.process) else { return nil }
      return Deed(text: "rank \(target.rank) stopped for good", gone: all)
    case .delay:
      guard ProcessTree.send(SIGSTOP, to: target.process) else { return nil }
      let text = "rank \(target.rank) stopped for \(fault.seconds.text) s"
      return Deed(text: text, undo: (.now + .seconds(fault.seconds), { resume(target) }))
    case .mpirun:
      guard let mpirun = job.tree.processes.first(where: { $0.number == target.starter }),
        ProcessTree.send(SIGKILL, to: mpirun)
      else { return nil }
      return Deed(text: "\(mpirun.name) killed", gone: all.union([mpirun]))
    case .notice:
      let (signal, name) = fault.choice(2, of: 2) == 0 ? (SIGTERM, "TERM") : (SIGUSR1, "USR1")
      guard let launcher = job.launcher, ProcessTree.send(signal, to: launcher) else { return nil }
      return Deed(text: "the command got SIG\(name)", gone: all.union([launcher]))
    case .launcher, .flip:
      guard let launcher = job.launcher, ProcessTree.send(SIGKILL, to: launcher) else { return nil }
      return Deed(text: "the command killed", gone: all.union([launcher]))
    case .disk:
      let ballast = output + "/ballast"
      guard let bytes = Self.fill(ballast) else { return nil }
      let text = "the disk full for \(fault.seconds.text) s (ballast of \(bytes >> 20) MiB)"
      return Deed(text: text, undo: (.now + .seconds(fault.seconds), { unlink(ballast) }))
    }
  }

  private func resume(_ rank: ChaosRank) { ProcessTree.send(SIGCONT, to: rank.process) }

  /// Writes until nothing more fits.
  ///
  /// - Returns: how many bytes did; nil when the file could not be made.
  private static func fill(_ path: String) -> Int? {
    let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let zeros = [UInt8](repeating: 0, count: 1 << 16)
    var total = 0
    // The last piece may fit in part: then a smaller one follows.
    while true {
      let count = write(file, zeros, zeros.count)
      if count > 0 { total += count } else if errno != EINTR { return total }
    }
  }
}

extension Double {
  /// With one decimal.
  fileprivate var text: String { String(format: "%.1f", self) }
}
