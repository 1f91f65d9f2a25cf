/// How a job is looked after.
struct Supervision: Sendable {
  /// How often a job that failed is started again.
  var maxRestarts = 0
  /// Seconds before each restart.
  var restartDelay = 0.2
  /// The fewest ranks to go on with when machines are gone; nil for all.
  var minRanks: Int?
  /// Seconds that ranks have to save their state after a notice.
  var grace = 25.0
  /// Whether Slurm is asked for another turn after a notice.
  var requeues = false
  /// The folder for what each rank writes.
  var logFolder: String?
  /// Whether lines are tagged with their rank.
  var isTagged = false
  /// Seconds without progress after which a job has failed; nil for never.
  var stuckLimit: Double?
}
