import ArgumentParser
import Dist
import Foundation

/// How a job is looked after: the options that `train` and `run` share.
struct SupervisionOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Start the job again when it has failed, this often at most. It goes on from its newest state where it saves any.",
      valueName: "restarts"))
  var maxRestarts = 0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Seconds before each restart.", valueName: "seconds"))
  var restartDelay = 0.2

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Go on with as few ranks as this when a host cannot be reached any more. (default: all)",
      valueName: "ranks"))
  var minRanks: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Seconds that ranks have to save their state after SIGTERM, SIGUSR1 or Ctrl-C; the command then ends with code 75.",
      valueName: "seconds"))
  var grace = 25.0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Seconds after which a job has failed of which no rank makes a step, or a rank is stopped; 0 for never. "
        + "(default: 30 more than --wait-limit)", valueName: "seconds"))
  var stuckLimit: Double?

  @Flag(help: "Under Slurm, ask for another turn when the state has been saved after a notice.")
  var requeue = false

  @Option(
    help: ArgumentHelp(
      "A folder for what each rank writes: rank-3.restart-0.out and .err.", valueName: "folder"))
  var logDir: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Begin each line with [rank 3 host]. (default: in run, with more than one rank)")
  var tagOutput: Bool?

  func validate() throws {
    try check(maxRestarts >= 0, "--max-restarts \(maxRestarts): at least 0 is needed")
    for (name, seconds) in [
      ("--restart-delay", restartDelay), ("--grace", grace), ("--stuck-limit", stuckLimit ?? 0),
    ] {
      try check(
        seconds >= 0 && seconds.isFinite, "\(name) \(seconds): expected a number of seconds")
    }
    if let minRanks { try check(minRanks >= 1, "--min-ranks \(minRanks): at least 1 is needed") }
    try check(logDir != "", "--log-dir: expected a folder")
  }

  private func check(_ isGood: Bool, _ message: String) throws {
    if !isGood { throw ValidationError(message) }
  }

  /// Whether one process alone is to be looked after.
  var isAsked: Bool {
    maxRestarts > 0 || logDir != nil || requeue || stuckLimit != nil || tagOutput == true
  }

  /// These options for a job.
  ///
  /// - Parameters:
  ///   - waitLimit: seconds that ranks wait for each other, as the command line says.
  ///   - tags: whether lines are tagged where the command line does not say.
  /// - Returns: how the job is to be looked after.
  /// - Throws: a ``DistError`` when the environment has a limit that is no number.
  func supervision(waitLimit: Double?, tags: Bool) throws -> Supervision {
    let wait = try waitLimit.map { $0 == 0 ? nil : $0 } ?? WaitLimit.seconds()
    // Ranks that wait for one another say more about it: they speak first.
    let standard = wait.map { $0 + 30 }
    return Supervision(
      maxRestarts: maxRestarts, restartDelay: restartDelay, minRanks: minRanks, grace: grace,
      requeues: requeue, logFolder: logDir, isTagged: tagOutput ?? tags,
      stuckLimit: stuckLimit.map { $0 == 0 ? nil : $0 } ?? standard)
  }
}
