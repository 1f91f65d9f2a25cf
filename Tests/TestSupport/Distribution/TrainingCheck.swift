import Engine

/// Something that training must do on any number of ranks; every rank runs it, inside a strategy.
public struct TrainingCheck: Sendable, CustomStringConvertible {
  /// What the check is called on the command line.
  public let name: String

  /// What each rank does; throws ``CheckFailure`` when training is not as it must be.
  public let run: @Sendable () throws -> Void

  /// The name.
  public var description: String { name }

  /// The heart of it: N ranks give what one process gives, also when nearly every gradient is a message of its own.
  public static let all: [TrainingCheck] =
    plain + features + samples + normalization
    + (plain + features + samples + normalization + buckets).map { check in
      TrainingCheck(name: check.name + "-tiny-buckets") {
        let strategy = DistributionContext.strategy
        let tiny = FixedStrategy(
          strategy.communicator, lossScaling: strategy.lossScaling,
          gradientReduction: BucketedAllReduce(limits: BucketLimits(bytes: 64)))
        try DistributionContext.$strategy.withValue(tiny, operation: check.run)
      }
    } + buckets + values + groups + callbacks + wire

  private static let plain: [TrainingCheck] =
    [
      TrainingCheck(name: "train-sgd") { try checkSameWeights { SGD(learningRate: 0.1) } },
      TrainingCheck(name: "train-momentum") {
        try checkSameWeights { SGD(learningRate: 0.05, momentum: 0.9, nesterov: true) }
      },
      TrainingCheck(name: "train-adam") { try checkSameWeights { Adam(learningRate: 0.003) } },
      TrainingCheck(name: "train-clipped") {
        try checkSameWeights { SGD(learningRate: 0.1, clipping: .globalNorm(0.2)) }
      },
      TrainingCheck(name: "train-eagerly") {
        try checkSameWeights(runEagerly: true) { SGD(learningRate: 0.1) }
      },
      TrainingCheck(name: "train-constrained") {
        try checkSameWeights(constrained: true) { SGD(learningRate: 0.1, momentum: 0.5) }
      },
      TrainingCheck(name: "train-uneven", run: checkUnevenShares),
      TrainingCheck(name: "statistics-of-uneven-shares", run: checkStatisticsOfUnevenShares),
      TrainingCheck(name: "counts-of-nested-calls", run: checkCountsOfNestedCalls),
      TrainingCheck(name: "settings-between-batches", run: checkSettingsBetweenBatches),
      TrainingCheck(name: "evaluate", run: checkEvaluation),
      TrainingCheck(name: "sums-of-uneven-shares", run: checkSums),
      TrainingCheck(name: "whole-number-states", run: checkWholeNumberStates),
      TrainingCheck(name: "predict", run: checkPrediction),
      TrainingCheck(name: "predict-forms", run: checkPredictedForms),
      TrainingCheck(name: "start", run: checkStart),
      TrainingCheck(name: "noise", run: checkNoise),
      TrainingCheck(name: "noise-uneven", run: checkUnevenNoise),
      TrainingCheck(name: "noise-eagerly", run: checkEagerNoise),
      TrainingCheck(name: "noise-in-predictions", run: checkNoisyPredictions),
      TrainingCheck(name: "noise-without-a-batch", run: checkNoiseOutsideTraining),
      TrainingCheck(name: "noise-after-a-call-of-one-rank", run: checkCallOfOneRank),
      TrainingCheck(name: "readme", run: checkReadme),
      TrainingCheck(name: "orders", run: checkOrders),
      TrainingCheck(name: "seeds", run: checkSeeds),
      TrainingCheck(name: "stop", run: checkStopping),
      TrainingCheck(name: "different-models", run: checkDifferentModels),
      TrainingCheck(name: "different-calls", run: checkDifferentCalls),
      TrainingCheck(name: "different-data", run: checkOwnData),
      TrainingCheck(name: "own-loop", run: checkOwnLoop),
      TrainingCheck(name: "own-reduction", run: checkOwnReduction),
      TrainingCheck(name: "loaded-weights", run: checkLoadedWeights),
      TrainingCheck(name: "other-kernels", run: checkOtherKernels),
    ] + nonFinite + accumulation + resuming
}

/// Two layers, an added loss, a logged value: everything that is scaled and reduced.
private final class Network: Module {
  let width: Int
  let constrained: Bool

  init(width: Int = 16, constrained: Bool = false) {
    self.width = width
    self.constrained = constrained
    super.init()
  }

  func call(_ x: Tensor) -> Tensor {
    let layer = Linear(
      width, kernelRegularizer: constrained ? L2(0.01) : nil,
      activityRegularizer: constrained ? L1(0.01) : nil,
      kernelConstraint: constrained ? MaxNorm(0.75) : nil,
      biasConstraint: constrained ? NonNegative() : nil, name: "hidden")
    let hidden = tanh(layer(x))
    addLoss("activity", mean(square(hidden)) * 0.01)
    addMetric("spread", mean(abs(hidden)))
    return Linear(3, name: "logits")(hidden)
  }
}

private struct Data {
  let x: Tensor
  let y: Tensor

  init(rows: Int) {
    x = randomNormal([rows, 5], key: RandomKey(seed: 7, stream: 1).tensor)
    let w = randomNormal([5, 3], key: RandomKey(seed: 7, stream: 2).tensor)
    y = argmax(matmul(x, w), axis: -1)
  }
}

private func makeModel(
  _ optimizer: Optimizer, width: Int = 16, constrained: Bool = false, runEagerly: Bool = false
) -> Model {
  Model(
    module: Network(width: width, constrained: constrained),
    loss: SparseCategoricalCrossentropy(fromLogits: true),
    metrics: [SparseCategoricalAccuracy(name: "accuracy")], optimizer: optimizer, seed: 3,
    runEagerly: runEagerly)
}

/// Runs `body` as one process, whatever the strategy around.
func alone<R>(_ body: () throws -> R) rethrows -> R {
  try DistributionContext.$strategy.withValue(SingleProcess(), operation: body)
}

var communicator: any Communicator { DistributionContext.strategy.communicator }

/// 20 steps on a batch that divides by 1, 2, 3 and 4.
private func checkSameWeights(
  runEagerly: Bool = false, constrained: Bool = false, _ optimizer: () -> Optimizer
) throws {
  let data = Data(rows: 240)
  func train() throws -> (Model, History) {
    let model = makeModel(optimizer(), constrained: constrained, runEagerly: runEagerly)
    let history = try model.fit(
      x: data.x, y: data.y, batchSize: 24, epochs: 2, verbose: .silent,
      validationData: ValidationData(x: data.x[0..<31], y: data.y[0..<31]))
    return (model, history)
  }
  let (expected, expectedHistory) = try alone { try train() }
  let (model, history) = try train()
  try requireSameWeights(model, expected, tolerance: 1e-5)
  try requireSameLogs(history, expectedHistory)
  try requireSameOnAllRanks(model)
}

func requireSameWeights(_ model: Model, _ expected: Model, tolerance: Double) throws {
  for (own, other) in zip(model.module.trainableVariables, expected.module.trainableVariables) {
    let difference = max(abs(own.value - other.value)).item()
    let scale = max(abs(other.value)).item()
    try require(
      difference <= tolerance * scale,
      "\(own.path) differs by \(difference) from one process, its largest value is \(scale)")
  }
}

private func requireSameLogs(_ history: History, _ expected: History) throws {
  try requireEqual(Array(history.history.keys), Array(expected.history.keys), "logged names")
  for (name, values) in expected.history {
    for (epoch, pair) in zip(history.history[name] ?? [], values).enumerated() {
      try require(
        abs(pair.0 - pair.1) <= 5e-7 * max(1, abs(pair.1)),
        "\(name) of epoch \(epoch) is \(pair.0), one process logs \(pair.1)")
    }
  }
}

/// Weights must be equal to the last bit on all ranks, or they drift apart.
func requireSameOnAllRanks(_ model: Model) throws {
  try agree(on: [model.weightsSHA256], subject: "the weights", communicator: communicator)
}

/// 41 samples in batches of 12: shares that differ by one, and a last batch of 5. 10 samples in batches of 3: ranks
/// without any.
private func checkUnevenShares() throws {
  try checkUnevenShares(rows: 41, batchSize: 12)
  try checkUnevenShares(rows: 10, batchSize: 3)
}

private func checkUnevenShares(rows: Int, batchSize: Int) throws {
  let data = Data(rows: rows)
  func train() throws -> Model {
    let model = makeModel(SGD(learningRate: 0.1))
    try model.fit(x: data.x, y: data.y, batchSize: batchSize, epochs: 3, verbose: .silent)
    return model
  }
  let expected = try alone { try train() }
  // Keras's 1/replicas is not the mean over the samples here; weighting by the samples present is.
  let exact = FixedStrategy(
    communicator, lossScaling: .globalBatch,
    gradientReduction: DistributionContext.strategy.gradientReduction)
  let model = try DistributionContext.$strategy.withValue(exact) { try train() }
  try requireSameWeights(model, expected, tolerance: 1e-5)
  try requireSameOnAllRanks(model)
}

/// Every sample is counted once: sizes that do not divide, a short last batch, fewer samples than ranks, none.
private func checkEvaluation() throws {
  for (rows, batch) in [(37, 10), (24, 24), (3, 2), (2, 32), (1, 1)] {
    let data = Data(rows: rows)
    let weights = Tensor((0..<rows).map { 0.25 * Float($0 % 5) })
    func evaluate() throws -> Logs {
      try makeModel(SGD(learningRate: 0.1)).evaluate(
        x: data.x, y: data.y, batchSize: batch, sampleWeight: weights)
    }
    let expected = try alone { try evaluate() }
    let logs = try evaluate()
    try requireEqual(Array(logs.keys), Array(expected.keys), "names")
    for (name, value) in expected {
      try require(
        abs((logs[name] ?? .nan) - value) <= 1e-6 * max(1, abs(value)),
        "\(name) on \(rows) samples is \(logs[name] ?? .nan), one process says \(value)")
    }
  }
}

/// A loss that is a sum is logged as the sum over all ranks, however the samples are shared out.
private func checkSums() throws {
  for rows in [1, 3, 5] {
    let x = Tensor((0..<rows).map { [Float($0 + 1)] })
    let model = Model(module: Identity(), loss: MeanAbsoluteError(reduction: .sum))
    let loss = try model.evaluate(x: x, y: 0 * x, batchSize: rows)["loss"] ?? .nan
    let expected = Double(rows * (rows + 1)) / 2
    try require(loss == expected, "the sum of 1 to \(rows) is logged as \(loss)")
  }
}

/// Every rank gets all predictions, in order.
private func checkPrediction() throws {
  for (rows, batch) in [(37, 10), (2, 32)] {
    let data = Data(rows: rows)
    func predict() throws -> Tensor {
      try makeModel(SGD(learningRate: 0.1)).predict(x: data.x, batchSize: batch)
    }
    let expected = try alone { try predict() }
    let predictions = try predict()
    try requireEqual(predictions.shape.dimensions, [rows, 3], "shape")
    let difference = max(abs(predictions - expected)).item()
    try require(difference <= 1e-6, "predictions differ by \(difference)")
  }
}

/// Outputs that are not a row for each sample are the same error on every rank, and no rank waits for another afterwards.
private func checkPredictedForms() throws {
  guard communicator.size > 1 else { return }
  // Shares of as many samples as there are features: a mean has as many elements as a share has samples.
  let x = Data(rows: 5 * communicator.size).x
  func error(_ what: String, _ body: @escaping (Tensor) -> Tensor) throws -> String {
    let error = try requireError(what) {
      let _: Tensor = try Model(module: Lambda { body($0) }).predict(x: x, batchSize: x.shape[0])
    }
    try communicator.barrier()
    return "\(error)"
  }
  for (what, body) in [
    ("mean over the batch", { mean($0, axis: 0) }), ("one number", { mean($0) }),
    ("all pairs", { matmul($0, $0.transposed) }), ("features first", { $0.transposed }),
    ("one row", { $0[0..<1] }),
  ] as [(String, (Tensor) -> Tensor)] {
    let text = try error(what, body)
    try require(text.contains("one row for each sample"), "\(what): \(text)")
    try agree(on: [text], subject: "the error", communicator: communicator)
  }
  let isLast = communicator.rank == communicator.size - 1
  // One rank has other rows than the others, or none at all.
  let wide = try error("rows of other lengths") { isLast ? concatenate([$0, $0], axis: 1) : $0 }
  try require(wide.contains("[10]") && wide.contains("[5]"), "the error must name both: \(wide)")
  let alone = try error("a rank that fails") { isLast ? matmul($0, $0) : $0 }
  try require(alone.contains("cannot multiply"), "the error must say what failed: \(alone)")
  let calls = try requireError("other data on one rank") {
    let rows = isLast ? 4 : 8
    let _: Tensor = try Model(module: Identity()).predict(x: x[0..<rows], batchSize: 2)
  }
  try require(
    "\(calls)".contains("the call of predict"), "the error must name the call: \(calls)")
  // Ranks without samples take part.
  let few: Tensor = try Model(module: Identity()).predict(x: x[0..<1], batchSize: 1)
  try require(max(abs(few - x[0..<1])).item() == 0, "one sample on many ranks")
  let none: Tensor = try Model(module: Identity()).predict(x: x[0..<0])
  try requireEqual(none.shape.dimensions, [0, 5], "the shape of no predictions")
}

/// Ranks that begin with other values get those of rank 0.
private func checkStart() throws {
  let data = Data(rows: 24)
  // Called before there is a model, with numbers of the rank's own.
  let network = Network()
  network.seed = UInt64(3 + communicator.rank)
  _ = network(data.x)
  let model = Model(
    module: network, loss: SparseCategoricalCrossentropy(fromLogits: true),
    optimizer: SGD(learningRate: 0), seed: 3)
  try model.fit(x: data.x, y: data.y, batchSize: 12, verbose: .silent, shuffle: false)
  try requireSameOnAllRanks(model)
  let expected = try alone {
    let model = makeModel(SGD(learningRate: 0.1))
    let _: Tensor = try model.predict(x: data.x)
    return model
  }
  try requireSameWeights(model, expected, tolerance: 0)
}

/// A rank with another model: every rank says which property, and what each rank holds.
private func checkDifferentModels() throws {
  guard communicator.size > 1 else { return }
  let data = Data(rows: 24)
  let isOdd = communicator.rank == communicator.size - 1
  let model = makeModel(SGD(learningRate: 0.1), width: isOdd ? 17 : 16)
  let error = try requireError("models of different shapes") {
    try model.fit(x: data.x, y: data.y, batchSize: 12, verbose: .silent)
  }
  let text = "\(error)"
  try require(
    text.contains("the module.width: 17") && text.contains("the module.width: 16"),
    "the error must name the property and both values: \(text)")
}

/// A rank that calls `fit` with other arguments would wait for ever.
private func checkDifferentCalls() throws {
  guard communicator.size > 1 else { return }
  let data = Data(rows: 24)
  let error = try requireError("different batch sizes") {
    try makeModel(SGD(learningRate: 0.1)).fit(
      x: data.x, y: data.y, batchSize: communicator.rank == 0 ? 12 : 8, verbose: .silent)
  }
  try require("\(error)".contains("batchSize: 12"), "the error must name the argument: \(error)")
}
