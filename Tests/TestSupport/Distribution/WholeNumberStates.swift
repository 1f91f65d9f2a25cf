import Engine

/// Counts class numbers as int64, which a Double would round.
private final class WholeNumbers: AnyMetric, MetricProtocol {
  func update(_ inputs: WeightedPredictions) {
    let ids = inputs.yTrue
    for (variable, value) in [
      (total, total.value + sum(ids)), (largest, maximum(largest.value, max(ids))),
    ] {
      variable.value = value
    }
  }

  private var total: Variable { state("total", dtype: .int64) }
  private var largest: Variable { state("largest", dtype: .int64, combine: .max) }

  /// The last digits, which the number of a log can hold.
  func result() -> [String: Tensor] {
    ["total": total.value % 1000, "largest": largest.value % 1000]
  }
}

/// Whole numbers are added up over ranks without rounding.
@Sendable func checkWholeNumberStates() throws {
  // 2^53 + 1 and more: odd numbers, which no Double holds.
  let first = 9_007_199_254_740_993
  let rows = 8
  let ids = (0..<rows).map { first + 2 * $0 }
  let model = Model(
    module: Identity(), loss: MeanAbsoluteError(), metrics: [WholeNumbers()])
  let logs = try model.evaluate(x: Tensor(ids), y: Tensor(ids), batchSize: rows)
  let expected = ["total": ids.reduce(0, +) % 1000, "largest": ids[rows - 1] % 1000]
  for (name, value) in expected.sorted(by: { $0.key < $1.key }) {
    let found = logs.first { $0.key.hasSuffix(name) }?.value ?? .nan
    try require(found == Double(value), "the digits of \(name) are \(found), not \(value): \(logs)")
  }
}
