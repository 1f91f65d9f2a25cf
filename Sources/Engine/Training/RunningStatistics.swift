import Tensors

/// What this rank has added to its running statistics since the ranks last combined them.
struct RunningStatistics {
  /// Training steps in which it had rows.
  var stepsWithRows = 0
  /// The values from which all ranks went on with statistics that are added over ranks: what was there before counts once.
  private(set) var starts: [ObjectIdentifier: Tensor] = [:]

  /// Notes that ranks go on from where an earlier run began.
  mutating func begin(from starts: [ObjectIdentifier: Tensor]) { self.starts = starts }

  /// Notes that ranks go on from these values.
  mutating func begin(_ variables: [Variable]) {
    starts = Dictionary(
      variables.filter { $0.combine == .sum }.map { (ObjectIdentifier($0), $0.stored) },
      uniquingKeysWith: { first, _ in first })
  }
}

extension Model {
  /// Before training steps on ranks. Those of a nested call are added to what the outer one has counted.
  func beginStatistics(_ run: Run) {
    guard communicator.size > 1, !run.isNested else { return }
    statistics.begin(module.variables(.batchStatistic))
  }

  /// Combines running statistics over ranks, each as its ``Variable/combine`` says, so that every rank evaluates and saves the
  /// same model: means are averaged, and to a sum each rank adds what it has counted since the last time.
  ///
  /// In a mean a rank counts by the training steps in which it had rows since the last time: without rows statistics stay as they
  /// are, and must not hold back what other ranks have seen.
  ///
  /// Collective: every rank must call it. `fit` does so after every epoch, and `trainOnBatch` after its step.
  ///
  /// - Throws: an error of the communicator.
  public func synchronizeStatistics() throws {
    guard communicator.size > 1 else { return }
    let variables = module.variables(.batchStatistic)
    let combined = try communicator.named("the running statistics") {
      try StateReduction.combined(
        variables, communicator, weight: statistics.stepsWithRows, from: statistics.starts)
    }
    for (variable, value) in combined { variable.store(value) }
    statistics = RunningStatistics()
    statistics.begin(variables)
  }
}
