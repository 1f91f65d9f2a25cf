import Tensors

/// The values from which all ranks go on with statistics that are added over ranks: what was there before counts once.
struct RunningTotals {
  private(set) var starts: [ObjectIdentifier: Tensor] = [:]

  mutating func begin(_ variables: [Variable]) {
    starts = Dictionary(
      variables.filter { $0.combine == .sum }.map { (ObjectIdentifier($0), $0.stored) },
      uniquingKeysWith: { first, _ in first })
  }
}

extension Model {
  /// Before training steps on ranks.
  func beginTotals() {
    guard communicator.size > 1 else { return }
    runningTotals.begin(module.variables(.batchStatistic))
  }
}
