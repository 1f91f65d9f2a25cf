import Engine

/// Everything in training that ranks touch: 20 steps give what one process gives, with uneven and empty shares.
extension TrainingCheck {
  static let features: [TrainingCheck] = [
    TrainingCheck(name: "frozen-layers") {
      try checkParity { model in try model.build { $0.first.freeze() } }
    },
    TrainingCheck(name: "frozen-in-the-middle") {
      try checkParity { model in
        let freezing = LambdaCallback(onEpochBegin: { epoch, _ in
          if epoch == 2 { model.heads.first.freeze() }
        })
        return [freezing]
      }
    },
    TrainingCheck(name: "several-outputs-and-losses") { try checkParity { _ in [] } },
    TrainingCheck(name: "class-weights", run: checkClassWeights),
    TrainingCheck(name: "keras-replicas", run: checkKerasReplicas),
    TrainingCheck(name: "mixed-precision", run: checkMixedPrecision),
    TrainingCheck(name: "sample-weights") { try checkParity(isWeighted: true) { _ in [] } },
    TrainingCheck(name: "dropout-and-clipping") {
      try checkParity(dropout: 0.3, optimizer: Adam(learningRate: 0.01, clipping: .globalNorm(0.5)))
      {
        _ in []
      }
    },
  ]
}

/// Two heads, one of them for classes.
private final class Heads: Module {
  let first = Linear(40, name: "first")
  let dropout: Double

  init(dropout: Double) {
    self.dropout = dropout
    super.init()
  }

  func call(_ x: Tensor) -> [String: Tensor] {
    let h = Dropout(dropout)(tanh(first(x)))
    addMetric("spread", mean(abs(h)))
    return ["size": Linear(2, name: "size")(h), "kind": Linear(3, name: "kind")(h)]
  }
}

/// A model and the module in it.
private struct Built {
  let model: Model
  let heads: Heads

  /// Makes the variables, then changes the module.
  func build(_ change: (Heads) -> Void) throws -> [Callback] {
    let _: [String: Tensor] = try model.predict(x: x[0..<4])
    change(heads)
    return []
  }
}

private let rows = 45
private var x: Tensor { randomNormal([rows, 5], key: RandomKey(seed: 21)) }
private var classes: Tensor { argmax(x[0..., 0..<3], axis: -1) }

private func checkParity(
  dropout: Double = 0, isWeighted: Bool = false,
  optimizer: @autoclosure () -> Optimizer = SGD(learningRate: 0.05, momentum: 0.9),
  _ prepare: (Built) throws -> [Callback]
) throws {
  func train() throws -> (Model, History) {
    let heads = Heads(dropout: dropout)
    let model = Model(
      module: heads,
      losses: [
        MeanSquaredError(on: "size"),
        SparseCategoricalCrossentropy(fromLogits: true, weight: 0.5, on: "kind"),
      ],
      metrics: [SparseCategoricalAccuracy(on: "kind")], optimizer: optimizer(), seed: 9)
    let callbacks = try prepare(Built(model: model, heads: heads))
    // 4 batches of 12 rows, the last one of 9; 5 epochs.
    let history = try model.fit(
      x: x, y: ["size": x[0..., 0..<2] * 2, "kind": classes], batchSize: 12, epochs: 5,
      verbose: .silent, callbacks: callbacks,
      sampleWeight: isWeighted ? Tensor((0..<rows).map { Float($0 % 4) / 2 }) : nil)
    return (model, history)
  }
  let expected = try alone { try train() }
  let found = try exactly { try train() }
  try requireSameWeights(found.0, expected.0, tolerance: 1e-5)
  try requireSameOnAllRanks(found.0)
  for (name, values) in expected.1.history {
    for (a, b) in zip(found.1[name], values) {
      try require(abs(a - b) <= 2e-6 * max(1, abs(b)), "\(name) is \(a), one process logs \(b)")
    }
  }
}

private func checkClassWeights() throws {
  func train() throws -> Model {
    let model = Model(
      module: Linear(3), loss: SparseCategoricalCrossentropy(fromLogits: true),
      optimizer: SGD(learningRate: 0.1), seed: 9)
    try model.fit(
      x: x, y: classes, batchSize: 12, epochs: 5, verbose: .silent,
      classWeight: [0: 1, 1: 3, 2: 0.5])
    return model
  }
  let expected = try alone { try train() }
  let model = try exactly { try train() }
  try requireSameWeights(model, expected, tolerance: 1e-5)
}

/// Weighted by samples, so that uneven shares give what one process gives.
private func exactly<R>(_ body: () throws -> R) throws -> R {
  let strategy = FixedStrategy(
    communicator, lossScaling: .globalBatch,
    gradientReduction: DistributionContext.strategy.gradientReduction)
  return try DistributionContext.$strategy.withValue(strategy, operation: body)
}
