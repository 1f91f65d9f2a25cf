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

/// Counts the rows that it has seen in training.
private final class Counter: Module {
  func call(_ x: Tensor) -> Tensor {
    let seen = variable("seen", kind: .batchStatistic, dtype: .int64)
    if isTraining { seen.value = seen.value + x.shape[0] }
    return Linear(1)(x)
  }
}

/// Rows that a callback trains on in the middle of an epoch count once, and so do those before and after it.
func checkCountsOfNestedCalls() throws {
  let model = Model(
    module: Counter(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
  func train(rows: Int) throws {
    try model.trainOnBatch(x: Tensor.ones([rows, 2]), y: Tensor.ones([rows, 1]))
  }
  let between = LambdaCallback(onTrainBatchEnd: { step, _ in if step == 1 { try train(rows: 7) } })
  try model.fit(
    x: Tensor.ones([30, 2]), y: Tensor.ones([30, 1]), batchSize: 10, epochs: 2, verbose: .silent,
    callbacks: [between])
  try train(rows: 5)
  try requireEqual(
    model.module.filter(.batchStatistic)["seen"]?.item(), 2 * (30 + 7) + 5, "the rows that count")
}

/// What a rank does with its model between two calls of `trainOnBatch` is looked at after `driftInterval` calls only.
func checkSettingsBetweenBatches() throws {
  let communicator = DistributionContext.strategy.communicator
  guard communicator.size > 1 else { return }
  let model = Model(
    module: Linear(1), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
  model.driftInterval = 3
  func train() throws { try model.trainOnBatch(x: Tensor.ones([8, 2]), y: Tensor.ones([8, 1])) }
  try train()
  if communicator.rank == 0 { model.learningRate = 0.2 }
  try train()
  _ = try model.testOnBatch(x: Tensor.ones([8, 2]), y: Tensor.ones([8, 1]))
  let error = try requireError("another learning rate on rank 0") { try train() }
  try require("\(error)".contains("optimizer.learningRate: 0.2"), "\(error)")
}
