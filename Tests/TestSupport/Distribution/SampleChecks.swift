import Engine
import TensorsTestSupport

/// What must hold of losses, masks and statistics however the samples of a batch are shared out: N ranks give what one process
/// gives, with shares that differ and ranks that have none.
extension TrainingCheck {
  /// Checks for any number of ranks.
  public static let samples: [TrainingCheck] = [
    TrainingCheck(name: "keras-scaling-example", run: checkKerasScaling),
    TrainingCheck(name: "masked-loss", run: checkMaskedLoss),
    TrainingCheck(name: "masked-shares") {
      try checkShares(rows: [(9, 4), (11, 11), (3, 1)], Masked.init)
    },
    TrainingCheck(name: "masked-shares-eagerly") {
      try checkShares(rows: [(9, 4)], runEagerly: true, Masked.init)
    },
    TrainingCheck(name: "losses-of-shares") {
      try checkShares(rows: [(9, 4), (11, 11), (3, 1)], Losses.init)
    },
    TrainingCheck(name: "losses-of-shares-eagerly") {
      try checkShares(rows: [(9, 4)], runEagerly: true, Losses.init)
    },
    TrainingCheck(name: "losses-of-sums") {
      try checkShares(rows: [(9, 4), (11, 11), (3, 1)], SumLosses.init)
    },
    TrainingCheck(name: "losses-of-sums-eagerly") {
      try checkShares(rows: [(9, 4)], runEagerly: true, SumLosses.init)
    },
    TrainingCheck(name: "overlap-of-shares", run: checkOverlapOfShares),
    TrainingCheck(name: "ignored-steps") {
      try checkShares(rows: [(9, 4), (11, 11), (3, 1)], IgnoredSteps.init)
    },
    TrainingCheck(name: "means-of-nothing") { try checkMeansOfNothing(runEagerly: false) },
    TrainingCheck(name: "means-of-nothing-eagerly") { try checkMeansOfNothing(runEagerly: true) },
    TrainingCheck(name: "penalties-of-empty-shares", run: checkPenalties),
    TrainingCheck(name: "messages-of-a-step", run: checkMessages),
    TrainingCheck(name: "totals-of-statistics", run: checkTotals),
    TrainingCheck(name: "nan-in-statistics", run: checkNaN),
    TrainingCheck(name: "kept-states", run: checkKeptStates),
    TrainingCheck(name: "metrics-of-any-shares", run: checkMetrics),
  ]
}

/// Runs `body` with losses weighted by samples, unless told otherwise.
func weightedBySamples<R>(
  _ ranks: (any Communicator)? = nil, scaling: LossScaling = .globalBatch, _ body: () throws -> R
) rethrows -> R {
  let strategy = FixedStrategy(
    ranks ?? communicator, lossScaling: scaling,
    gradientReduction: DistributionContext.strategy.gradientReduction)
  return try DistributionContext.$strategy.withValue(strategy, operation: body)
}

/// What a model trains on.
protocol ShareExample {
  init(rows: Int)
  var x: Tensor { get }
  var y: Tensor { get }
  var weights: Tensor? { get }
  func model(runEagerly: Bool) -> Model
}

/// Three epochs with a validation on ranks, and in one process: weights, statistics and logs.
func checkShares<Example: ShareExample>(
  rows: [(rows: Int, batchSize: Int)], scaling: LossScaling = .globalBatch,
  runEagerly: Bool = false, _ make: (Int) -> Example
) throws {
  for (rows, batchSize) in rows {
    let example = make(rows)
    func train() throws -> (model: Model, history: History, evaluation: Logs) {
      let model = example.model(runEagerly: runEagerly)
      let history = try model.fit(
        x: example.x, y: example.y, batchSize: batchSize, epochs: 3, verbose: .silent,
        validationData: ValidationData(
          x: example.x[0..<3], y: example.y[0..<3], sampleWeight: example.weights?[0..<3]),
        sampleWeight: example.weights, validationBatchSize: 2)
      let evaluation = try model.evaluate(
        x: example.x, y: example.y, batchSize: 4, sampleWeight: example.weights)
      return (model, history, evaluation)
    }
    let expected = try alone { try train() }
    let found = try weightedBySamples(scaling: scaling) { try train() }
    let what = "\(rows) samples in batches of \(batchSize)"
    for (own, other) in zip(found.model.module.variables, expected.model.module.variables)
    where own.kind == .parameter || own.kind == .batchStatistic {
      // A bias in front of a normalization has no gradient but what rounding leaves.
      let (difference, scale) = (max(abs(own.value - other.value)), max(abs(other.value)))
      try require(
        difference.item() <= 1e-6 * scale.item() + 1e-12,
        "\(what): \(own.path) differs by \(difference.item()) from one process")
    }
    try requireSameOnAllRanks(found.model)
    for (name, values) in expected.history.history {
      try requireClose(found.history[name], values, "\(what): \(name)")
    }
    for (name, value) in expected.evaluation {
      try requireClose([found.evaluation[name] ?? .nan], [value], "\(what): \(name) of evaluate")
    }
  }
}

private func requireClose(_ found: [Double], _ expected: [Double], _ what: String) throws {
  try require(
    found.count == expected.count
      && zip(found, expected).allSatisfy { Swift.abs($0 - $1) <= 1e-6 * (1 + Swift.abs($1)) },
    "\(what): \(found), one process says \(expected)")
}

private struct Draw {
  let x: Tensor
  let y: Tensor

  init(_ shape: Shape, outputs: Int) {
    var draw = SeededGenerator(seed: 7)
    x = draw.uniform(shape, dtype: .float64)
    y = draw.uniform(Shape(Array(shape.dimensions.dropLast()) + [outputs]), dtype: .float64)
  }
}

// MARK: - Uneven shares

/// `w · x`, from w = 0.
private final class FromZero: Module {
  func call(_ x: Tensor) -> Tensor {
    x * parameter("w", shape: [], initializer: Zeros(), dtype: x.dtype)
  }
}

/// A step of gradient descent with the rate 1/2 goes from 0 to the mean of the labels 0.8, 0.8 and 0.2, which is 0.6; as Keras scales it, to the mean of the
/// ranks' means, a share without samples adding nothing: of two ranks 0.5. That is said once.
private func checkKerasScaling() throws {
  let labels = [0.8, 0.8, 0.2]
  let (x, y) = (Tensor.ones([3, 1]), Tensor(labels, shape: [3, 1]))
  let size = communicator.size
  let means = (0..<size).map { rank in
    let share = Sharding.slice(count: 3, rank: rank, size: size)
    return share.isEmpty ? 0 : labels[share].reduce(0, +) / Double(share.count)
  }
  for runEagerly in [false, true] {
    for scaling in LossScaling.allCases {
      let (logger, store) = WarningLog.logger()
      try weightedBySamples(scaling: scaling) {
        let model = Model(
          module: FromZero(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.5),
          runEagerly: runEagerly)
        model.shareNote = ShareNote(logger: logger)
        try model.trainOnBatch(x: x, y: y)
        let w = model.module.trainableVariables[0].value.item()
        let expected = scaling == .replicas ? means.reduce(0, +) / Double(size) : 0.6
        try require(Swift.abs(w - expected) < 1e-6, "\(scaling): the weight is \(w)")
        try model.trainOnBatch(x: x, y: y)
      }
      let isNoted = scaling == .replicas && 3 % size != 0 && communicator.rank == 0
      let notes = store.messages.withLock { $0 }
      try requireEqual(notes.count, isNoted ? 1 : 0, "notes: \(notes)")
    }
  }
}

// MARK: - Masks

/// Counts the steps whose first feature is positive.
private final class StepsAboveZero: Module {
  func call(_ x: Tensor) -> Tensor {
    setMask(x[0..., 0..., 0] .> 0)
    return x
  }
}

/// `w · x`, of which steps above zero count.
private final class Scaled: Module {
  func call(_ x: Tensor) -> Tensor {
    setMask(x[0..., 0..., 0] .> 0)
    return x * parameter("w", shape: [], initializer: Ones(), dtype: x.dtype)
  }
}

/// 1 and 3, 3, 3 are the steps that count: the loss is (1 + 9 + 9 + 9) / 4 = 7, its slope 14, and the weight becomes 0.86.
private func checkMaskedLoss() throws {
  let x = Tensor([[[1.0], [0], [0]], [[3], [3], [3]]])
  for runEagerly in [false, true] {
    try weightedBySamples {
      let model = Model(
        module: Scaled(), loss: MeanSquaredError(),
        optimizer: SGD(learningRate: 0.01), runEagerly: runEagerly)
      let logs = try model.trainOnBatch(x: x, y: 0 * x)
      let w = model.module.trainableVariables[0].value.item()
      try require(Swift.abs((logs["loss"] ?? .nan) - 7) < 1e-6, "the loss is \(logs)")
      try require(Swift.abs(w - 0.86) < 1e-6, "the weight is \(w)")
    }
  }
}

/// Sequences of which some have no step that counts; weighted.
private struct Masked: ShareExample {
  let x: Tensor
  let y: Tensor
  let weights: Tensor?

  init(rows: Int) {
    let draw = Draw([rows, 4, 3], outputs: 2)
    // The first sequence, and every third one, counts nowhere.
    let isCounted = Tensor((0..<rows).map { Double($0 % 3) }, shape: [rows, 1, 1], dtype: .float64)
    (x, y) = (draw.x * isCounted, draw.y)
    weights = Tensor((0..<rows).map { 0.5 + Double($0 % 4) }, shape: [rows], dtype: .float64)
  }

  func model(runEagerly: Bool) -> Model {
    Model(
      module: Sequential(StepsAboveZero(), Linear(2)),
      losses: [MeanSquaredError(), MeanAbsoluteError(), MeanSquaredError(reduction: .sum)],
      metrics: [MeanSquaredError.asMetric], weightedMetrics: [MeanSquaredError.asMetric],
      optimizer: SGD(learningRate: 0.02), seed: 3, runEagerly: runEagerly)
  }
}

extension MeanSquaredError {
  fileprivate static var asMetric: Metrics.MeanSquaredError { Metrics.MeanSquaredError() }
}

// MARK: - Losses of every kind

/// Means of their own, weighted means, sums, penalties of weights and of activities.
private struct Losses: ShareExample {
  let x: Tensor
  let y: Tensor
  let weights: Tensor?

  init(rows: Int) {
    let draw = Draw([rows, 3], outputs: 2)
    (x, y) = (draw.x, draw.y)
    weights = Tensor((0..<rows).map { 0.5 + Double($0 % 4) }, shape: [rows], dtype: .float64)
  }

  private final class Network: Module {
    func call(_ x: Tensor) -> Tensor {
      let hidden = tanh(
        Linear(4, kernelRegularizer: L2(0.01), activityRegularizer: L1(0.01))(x))
      addLoss("mean", 0.1 * mean(square(hidden)))
      addLoss("weighted", 0.1 * batchMean(hidden, weights: abs(x[0..., 0])))
      addLoss("sum", 0.1 * crossRankSum(sum(square(hidden))))
      addMetric("spread", mean(abs(hidden)))
      return Linear(2)(hidden)
    }
  }

  /// `Σ w·v / Σ w` over the batch.
  private struct WeightedMean: Loss {
    struct Inputs: Decodable { let yTrue, yPred, sampleWeight: Tensor }
    func call(_ i: Inputs) -> Tensor {
      batchMean(square(i.yTrue - i.yPred), weights: i.sampleWeight)
    }
  }

  /// The size of the weights, as a sum: there is one of it.
  private struct Size: Loss {
    struct Inputs: Decodable { let parameters: [String: Tensor] }
    let options = LossOptions(reduction: .sum, weight: 0.01)
    func call(_ i: Inputs) -> Tensor {
      let kernels = i.parameters.filter { $0.key.hasSuffix("kernel") }.sorted { $0.key < $1.key }
      return sum(square(kernels[0].value))
    }
  }

  func model(runEagerly: Bool) -> Model {
    Model(
      module: Network(),
      losses: [
        MeanSquaredError(), MeanAbsoluteError(reduction: .sum, weight: 0.1), WeightedMean(), Size(),
        MeanSquaredError(reduction: .none, weight: 0.1),
        MeanAbsoluteError(reduction: .meanWithSampleWeight, name: "weighted_mean"),
        CustomLoss("own_mean", \.yTrue, \.yPred, \.sampleWeight) { yTrue, yPred, _ in
          mean(square(yTrue - yPred))
        }, RegularizationLoss(L2(0.01)),
      ],
      weightedMetrics: [MeanSquaredError.asMetric], optimizer: SGD(learningRate: 0.02), seed: 3,
      runEagerly: runEagerly)
  }
}

// MARK: - Ranks without samples

/// Takes means over the batch, and keeps one: NaN where there is no sample.
private final class Means: Module {
  func call(_ x: Tensor) -> Tensor {
    let centre = mean(x, axis: 0)
    let w = parameter("w", shape: [3], dtype: x.dtype)
    let last = variable("last", kind: .batchStatistic, shape: [3], dtype: x.dtype, combine: .mean)
    let steps = variable("steps", kind: .state, dtype: .int64, combine: .first)
    let lowest = variable(
      "lowest", kind: .batchStatistic, dtype: x.dtype, combine: .min, initial: 10)
    if isTraining {
      last.value = centre
      steps.value = steps.value + 1
      lowest.value = minimum(lowest.value, mean(x))
    }
    addLoss("centre", sum(w * centre * centre))
    addMetric("centre", mean(centre))
    return Linear(1)(x + w * centre)
  }
}

/// Keeps the largest mean of a batch.
private final class LargestMean: Metric {
  struct Inputs: Decodable { let x: Tensor }
  private var largest: Variable { state("largest", combine: .max, initial: -10) }
  func update(_ inputs: Inputs) { largest.value = maximum(largest.value, mean(inputs.x)) }
  func result() -> Tensor { largest.value }
}

/// Batches of one sample, which one rank has.
private func checkMeansOfNothing(runEagerly: Bool) throws {
  let draw = Draw([3, 3], outputs: 1)
  func train() throws -> (Model, History) {
    let model = Model(
      module: Means(),
      losses: [
        MeanSquaredError(), CustomLoss("own", \.yPred) { yPred in square(mean(yPred) - 1) },
      ], metrics: [LargestMean()], optimizer: Adam(learningRate: 0.01), seed: 3,
      runEagerly: runEagerly)
    let history = try model.fit(
      x: draw.x, y: draw.y, batchSize: 1, epochs: 2, verbose: .silent,
      validationData: ValidationData(x: draw.x, y: draw.y), validationBatchSize: 1)
    return (model, history)
  }
  let (expected, expectedHistory) = try alone { try train() }
  let (model, history) = try weightedBySamples { try train() }
  try requireSameWeights(model, expected, tolerance: 1e-6)
  try requireSameOnAllRanks(model)
  for (name, values) in expectedHistory.history { try requireClose(history[name], values, name) }
  for (own, other) in zip(model.module.namedVariables, expected.module.namedVariables)
  where own.variable.kind == .state || own.variable.kind == .batchStatistic {
    let (found, wanted) = (own.variable.value, other.variable.value)
    try requireClose(
      found.scalars(as: Double.self), wanted.scalars(as: Double.self),
      "\(own.path) on rank \(communicator.rank)")
  }
}

/// With Keras's scaling a rank without samples has its part of the penalties of weights, and of nothing else: the gradient is that
/// of all penalties and of the loss by the number of ranks.
private func checkPenalties() throws {
  let draw = Draw([1, 3], outputs: 1)
  func train(weight: Double) throws -> Model {
    let model = Model(
      module: Sequential(Linear(1, kernelRegularizer: L2(0.1))),
      losses: [
        MeanSquaredError(weight: weight), RegularizationLoss(L2(0.1)),
        CustomLoss("own", \.yPred, weight: weight) { yPred in square(mean(yPred) - 1) },
      ], optimizer: SGD(learningRate: 0.1), seed: 3)
    try model.fit(x: draw.x, y: draw.y, epochs: 2, verbose: .silent)
    return model
  }
  let size = Double(communicator.size)
  let expected = try alone { try train(weight: 1 / size) }
  let model = try train(weight: 1)
  try requireSameWeights(model, expected, tolerance: 1e-6)
  try requireSameOnAllRanks(model)
}

// MARK: - Messages

/// One message more a step with a masked mean, however many losses there are, and none without.
private func checkMessages() throws {
  guard communicator.size > 1 else { return }
  let draw = Draw([4, 4, 3], outputs: 2)
  func messages(_ scaling: LossScaling, isMasked: Bool) throws -> Int {
    let counting = CountingRanks(communicator)
    return try weightedBySamples(counting, scaling: scaling) {
      let model = Model(
        module: isMasked ? Sequential(StepsAboveZero(), Linear(2)) : Sequential(Linear(2)),
        losses: [MeanSquaredError(), MeanAbsoluteError()], optimizer: SGD(learningRate: 0.1))
      try model.trainOnBatch(x: draw.x, y: draw.y)
      let before = counting.messages
      try model.trainOnBatch(x: draw.x, y: draw.y)
      return counting.messages - before
    }
  }
  let plain = try messages(.replicas, isMasked: false)
  try requireEqual(try messages(.globalBatch, isMasked: false), plain, "messages without a mask")
  try requireEqual(try messages(.replicas, isMasked: true), plain, "messages with Keras's scaling")
  try requireEqual(try messages(.globalBatch, isMasked: true), plain + 1, "messages with a mask")
}

// MARK: - States

/// Counts samples from a number on that no Double holds.
private final class Counting: Module {
  static let start = 9_007_199_254_740_993

  func call(_ x: Tensor) -> Tensor {
    let seen = variable("seen", kind: .batchStatistic, dtype: .int64)
    if isTraining { seen.value = seen.value + Tensor(Int64(x.shape[0])) }
    return Linear(1)(x)
  }
}

/// A statistic that is a sum adds up what the ranks have counted, over several epochs and calls.
private func checkTotals() throws {
  let draw = Draw([7, 3], outputs: 1)
  let model = Model(
    module: Counting(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.01))
  let _: Tensor = try model.predict(x: draw.x)
  let seen = model.module.variables(.batchStatistic)[0]
  seen.value = Tensor(Int64(Counting.start))
  try model.fit(x: draw.x, y: draw.y, batchSize: 3, epochs: 2, verbose: .silent)
  try model.fit(x: draw.x, y: draw.y, batchSize: 4, verbose: .silent)
  try model.trainOnBatch(x: draw.x, y: draw.y)
  try requireEqual(seen.value.item(as: Int.self), Counting.start + 4 * 7, "samples seen")
}

/// A NaN that one rank has seen is the smallest and the largest value of all.
private func checkNaN() throws {
  final class Extremes: Module {
    func call(_ x: Tensor) -> Tensor {
      let (low, high) = (
        variable("low", kind: .batchStatistic, shape: [2], combine: .min),
        variable("high", kind: .batchStatistic, shape: [2], combine: .max)
      )
      return x + low.value[0] + high.value[0]
    }
  }
  let model = Model(module: Extremes(), loss: MeanSquaredError())
  let _: Tensor = try model.predict(x: Tensor.ones([4, 3]))
  let rank = Double(communicator.rank)
  let own = rank + 1 == Double(communicator.size) ? .nan : rank
  for variable in model.module.variables(.batchStatistic) { variable.value = Tensor([own, rank]) }
  try model.synchronizeStatistics()
  for (variable, value) in zip(
    model.module.variables(.batchStatistic), [0, Double(communicator.size - 1)])
  {
    let found = variable.value.scalars(as: Double.self)
    try require(found[0].isNaN && found[1] == value, "\(variable.path) is \(found)")
  }
}

/// A stateful layer keeps the states of this rank's samples, and shares that differ are an error that names it.
private func checkKeptStates() throws {
  let size = communicator.size
  func fit(rows: Int) throws -> Model {
    let draw = Draw([2 * rows, 4, 3], outputs: 2)
    let model = Model(
      module: Sequential(GRU(4, returnSequences: true, stateful: true), Linear(2)),
      loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1), seed: 3)
    try model.fit(
      x: draw.x, y: draw.y, batchSize: rows, epochs: 2, verbose: .silent, shuffle: false)
    return model
  }
  let expected = try alone { try fit(rows: 2 * size) }
  let model = try fit(rows: 2 * size)
  try requireSameWeights(model, expected, tolerance: 1e-6)
  guard size > 1 else { return }
  let error = try requireError("shares that differ") { _ = try fit(rows: 2 * size - 1) }
  try require("\(error)".contains("state_0"), "the error must name the state: \(error)")
}
