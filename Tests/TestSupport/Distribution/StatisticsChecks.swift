import Engine

/// Moving statistics of batch normalisation when ranks have rows in some steps only, or in none: each rank moves its own by
/// the steps in which it has rows, and counts by their number.
func checkStatisticsOfUnevenShares() throws {
  let communicator = DistributionContext.strategy.communicator
  let (rows, batchSize, momentum, epochs) = (5, 2, 0.5, 2)
  let values = (0..<rows).map { Double($0 * $0) - 3 }
  let layer = BatchNormalization(momentum: momentum)
  let model = Model(
    module: Sequential(layer), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0))
  try model.fit(
    x: Tensor(values, shape: [rows, 1], dtype: .float64), y: Tensor.zeros([rows, 1]),
    batchSize: batchSize, epochs: epochs, verbose: .silent, shuffle: false)

  var expected = (mean: 0.0, variance: 1.0)
  for _ in 0..<epochs {
    var total = (mean: 0.0, variance: 0.0, steps: 0.0)
    for rank in 0..<communicator.size {
      var (own, steps) = (expected, 0.0)
      for start in stride(from: 0, to: rows, by: batchSize) {
        let share = Sharding.slice(
          start: start, count: min(batchSize, rows - start), rank: rank, size: communicator.size)
        guard !share.isEmpty else { continue }
        let count = Double(share.count)
        let mean = values[share].reduce(0, +) / count
        let variance = values[share].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        own.mean = momentum * own.mean + (1 - momentum) * mean
        own.variance = momentum * own.variance + (1 - momentum) * variance
        steps += 1
      }
      total.mean += steps * own.mean
      total.variance += steps * own.variance
      total.steps += steps
    }
    expected = (total.mean / total.steps, total.variance / total.steps)
  }
  let found = layer.filter(.batchStatistic)
  for (name, value) in [("moving_mean", expected.mean), ("moving_variance", expected.variance)] {
    let own = found[name]?.item() ?? .nan
    try require(
      Swift.abs(own - value) <= 1e-5 * (1 + Swift.abs(value)),
      "\(name) on rank \(communicator.rank): expected \(value), found \(own)")
  }
}
