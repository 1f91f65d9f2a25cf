/// Variables that tell a rank of restarts.
enum RestartVariables {
  /// How often the job has been started again: 0 at first.
  static let count = "APUS_RESTART"
  /// Whether the job is not started again after this attempt, however that ends: 1 or 0.
  static let isLast = "APUS_RANK_LAST"
}
