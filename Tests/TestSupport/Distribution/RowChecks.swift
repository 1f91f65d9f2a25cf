import Engine

/// Gradients of tables as rows: N ranks give what one process gives, whatever else is done with a table.
extension TrainingCheck {
  static let rows: [TrainingCheck] =
    RowCase.all.map { row in
      TrainingCheck(name: "rows-" + row.name, run: row.check)
    } + [TrainingCheck(name: "rows-not-finite", run: checkNotFinite)]
}

private let length = 3000

/// Three tokens of a row are the same on all ranks, so that rows meet.
private func tokens(_ count: Int) -> Tensor {
  let numbers = randomUniform([count, 5], key: RandomKey(seed: 21)) * Double(length)
  return concatenate([floor(numbers), floor(numbers[0..., 0..<2] / 500)], axis: 1).cast(to: .int32)
}

private func labels(_ count: Int) -> Tensor {
  randomNormal([count, 4], key: RandomKey(seed: 22))
}

/// A table, the mean of its rows, and a layer.
private final class Bag: Module {
  let masked: Bool
  let regularizer: (any Regularizer)?

  init(masked: Bool = false, regularizer: (any Regularizer)? = nil) {
    (self.masked, self.regularizer) = (masked, regularizer)
    super.init()
  }

  func call(_ x: Tensor) -> Tensor {
    let table = Embedding(
      inputs: length, outputs: 16, maskZero: masked, regularizer: regularizer, name: "table")
    return Linear(4)(table(x).mean(axis: 1))
  }
}

/// A table that is read by index and multiplied.
private final class Tied: Module {
  func call(_ x: Tensor) -> Tensor {
    let table = parameter("table", shape: [length, 16], initializer: Uniform())
    let h = take(table, x).mean(axis: 1)
    return Linear(4)(matmul(h, table.transposed)[0..., 0..<10])
  }
}

/// A table that is read twice.
private final class Twice: Module {
  func call(_ x: Tensor) -> Tensor {
    let table = parameter("table", shape: [length, 16], initializer: Uniform())
    return Linear(4)(
      take(table, x).mean(axis: 1) + square(take(table, x[0..., 0..<2])).mean(axis: 1))
  }
}

private struct RowCase: Sendable {
  let name: String
  /// Whether rows are sent.
  let isSparse: Bool
  var batch = 24
  var runEagerly = false
  var optimizer: @Sendable () -> Optimizer = { SGD(learningRate: 0.5, momentum: 0.9) }
  var hook: (any GradientHook)?
  let module: @Sendable () -> AnyModule

  static let all = [
    RowCase(name: "of-a-table", isSparse: true) { Bag() },
    RowCase(name: "eagerly", isSparse: false, runEagerly: true) { Bag() },
    RowCase(
      name: "clipped", isSparse: true,
      optimizer: {
        AdamW(learningRate: 0.02, weightDecay: 0.1, clipping: .globalNorm(0.05))
      }
    ) { Bag() },
    RowCase(name: "masked", isSparse: true) { Bag(masked: true) },
    RowCase(name: "beside-a-hook", isSparse: true, hook: PlainHook()) { Bag() },
    RowCase(name: "of-uneven-shares", isSparse: false, batch: 25) { Bag() },
    RowCase(name: "regularized", isSparse: false) { Bag(regularizer: L2(0.01)) },
    RowCase(
      name: "accumulated", isSparse: false,
      optimizer: {
        SGD(learningRate: 0.5, options: OptimizerOptions(gradientAccumulationSteps: 2))
      }
    ) { Bag() },
    RowCase(name: "tied", isSparse: false) { Tied() },
    RowCase(name: "read-twice", isSparse: false) { Twice() },
    RowCase(
      name: "frozen", isSparse: false,
      optimizer: {
        SGD(
          learningRate: 0.5,
          options: OptimizerOptions(groups: [ParameterGroup("table", isFrozen: true)]))
      }
    ) { Bag() },
  ]

  func check() throws {
    let (x, y) = (tokens(2 * batch), labels(2 * batch))
    func train() throws -> Model {
      let model = Model(
        module: module(), loss: MeanSquaredError(), optimizer: optimizer(), seed: 3,
        runEagerly: runEagerly)
      try model.fit(x: x, y: y, batchSize: batch, epochs: 3, verbose: .silent)
      return model
    }
    let expected = try alone { try train() }
    let strategy = FixedStrategy(
      communicator, lossScaling: .globalBatch,
      gradientReduction: BucketedAllReduce(limits: BucketLimits(bytes: 4096), hook: hook))
    let model = try DistributionContext.$strategy.withValue(strategy) { try train() }
    try requireSameWeights(model, expected, tolerance: 1e-4)
    try requireSameOnAllRanks(model)
    guard communicator.size > 1, !runEagerly else { return }
    let plan = model.planOfLastStep?.description ?? ""
    let hasEqualShares = batch % communicator.size == 0
    try requireEqual(
      plan.contains("gatherRowsStart"), isSparse || (name == "of-uneven-shares" && hasEqualShares),
      "whether rows are sent")
  }
}

/// Rows that are not finite end the step on all ranks, with the name of the table.
private func checkNotFinite() throws {
  final class Rooted: Module {
    func call(_ x: Tensor) -> Tensor {
      let table = parameter("table", shape: [length, 16], initializer: Zeros())
      return Linear(4)(sqrt(take(table, x)).mean(axis: 1))
    }
  }
  let model = Model(
    module: Rooted(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1), seed: 3)
  let error = try requireError("rows that are infinite") {
    try model.fit(x: tokens(24), y: labels(24), batchSize: 24, verbose: .silent)
  }
  try require("\(error)".contains("the gradient of table is "), "\(error)")
  try agree(on: ["\(error)"], subject: "the error", communicator: communicator)
}
