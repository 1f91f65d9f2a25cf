import Engine

/// Everything in a module that draws random numbers, on samples of some shape.
private struct Noise: Sendable {
  let name: String
  /// The shape of a sample.
  let sample: Shape
  let apply: @Sendable (_ x: Tensor, _ module: AnyModule) -> Tensor

  init(
    _ name: String, _ sample: Shape,
    _ apply: @escaping @Sendable (_ x: Tensor, _ module: AnyModule) -> Tensor
  ) {
    self.name = name
    self.sample = sample
    self.apply = apply
  }

  static let all = layers + recurrent + attention + ownNoise

  private static let layers = [
    Noise("Dropout", [24]) { x, _ in Dropout(0.4)(x) },
    Noise("Dropout after Dropout", [24]) { x, _ in
      let (first, second) = (Dropout(0.2), Dropout(0.3))
      return second(first(x))
    },
    // 24 columns: no number of rows that a rank has below.
    Noise("Dropout, one mask for all samples", [24]) { x, _ in
      Dropout(0.4, noiseShape: [1, 24])(x)
    },
    Noise("Dropout, a mask without a batch axis", [6, 4]) { x, _ in
      Dropout(0.4, noiseShape: [6, 4])(x)
    },
    Noise("Dropout of float64", [24]) { x, _ in
      Dropout(0.4)(x.cast(to: .float64)).cast(to: .float32)
    },
    Noise("SpatialDropout1D", [3, 8]) { x, _ in SpatialDropout1D(0.4)(x) },
    Noise("SpatialDropout2D", [2, 2, 6]) { x, _ in SpatialDropout2D(0.4)(x) },
    Noise("SpatialDropout3D", [2, 1, 2, 6]) { x, _ in SpatialDropout3D(0.4)(x) },
    Noise("GaussianNoise", [24]) { x, _ in GaussianNoise(0.3)(x) },
    Noise("GaussianDropout", [24]) { x, _ in GaussianDropout(0.3)(x) },
    Noise("AlphaDropout", [24]) { x, _ in AlphaDropout(0.3)(x) },
    Noise("AlphaDropout, one mask for all samples", [24]) { x, _ in
      AlphaDropout(0.3, noiseShape: [1, 24])(x)
    },
    Noise("TimeDistributed", [4, 6]) { x, _ in TimeDistributed(Dropout(0.4))(x) },
    Noise("TimeDistributed within TimeDistributed", [2, 2, 6]) { x, _ in
      TimeDistributed(TimeDistributed(GaussianNoise(0.4)))(x)
    },
  ]

  private static let recurrent = [
    Noise("SimpleRNN", [3, 8]) { x, _ in
      SimpleRNN(6, dropout: 0.3, recurrentDropout: 0.3, returnSequences: true)(x)
    },
    Noise("GRU", [3, 8]) { x, _ in GRU(6, dropout: 0.3, recurrentDropout: 0.3)(x) },
    Noise("GRU, a loop", [3, 8]) { x, _ in
      GRU(6, resetAfter: false, dropout: 0.3, recurrentDropout: 0.3)(x)
    },
    Noise("LSTM", [3, 8]) { x, _ in LSTM(6, dropout: 0.3, recurrentDropout: 0.3)(x) },
    Noise("Bidirectional", [3, 8]) { x, _ in
      Bidirectional(GRU(4, dropout: 0.3, recurrentDropout: 0.3))(x)
    },
    Noise("other noise at each step", [3, 8]) { x, _ in RNN(cell: NoisyCell())(x) },
  ]

  /// Other elements of the state are dropped at each step.
  private final class NoisyCell: AnyModule, RecurrentCell {
    let units = 6
    let stateSizes = [6]
    let change = Linear(6)
    let drop = Dropout(0.4)

    func sequence(_ x: Tensor) -> RecurrentSequence {
      RecurrentSequence(inputs: x) { [self] x, states in
        let h = tanh(change(x)) + drop(states[0])
        return (h, [h])
      }
    }

    func fresh() -> NoisyCell { NoisyCell() }
  }

  private static let attention = [
    Noise("Attention", [4, 6]) { x, _ in Attention(dropout: 0.3)(x) },
    Noise("AdditiveAttention", [4, 6]) { x, _ in AdditiveAttention(dropout: 0.3)(x) },
    // Without biases: the gradient of those of keys is 0, and what is left of it is rounding.
    Noise("MultiHeadAttention", [4, 6]) { x, _ in
      MultiHeadAttention(numHeads: 2, keyDim: 3, dropout: 0.3, useBias: false)(x)
    },
  ]

  private static let ownNoise = [
    Noise("normal numbers of the input's shape", [24]) { x, module in
      x + randomNormal(x.shape, key: module.nextKey(), standardDeviation: 0.2)
    },
    Noise("uniform numbers of the input's shape", [24]) { x, module in
      x * randomUniform(x.shape, key: module.nextKey(), low: 0.5, high: 1.5)
    },
    Noise("a key for two tensors, and folded", [24]) { x, module in
      let key = module.nextKey()
      return x + 0.1 * randomNormal(x.shape, key: foldKey(key, 1))
        + 0.1 * randomNormal([x.shape[0], 1], key: foldKey(key, 2))
    },
    Noise("numbers for columns", [24]) { x, module in
      x * randomUniform([24], key: module.nextKey(), low: 0.5, high: 1.5)
    },
    Noise("a key of one's own", [24]) { x, _ in
      x * randomUniform([x.shape[1]], key: RandomKey(seed: 4))
    },
    Noise("checkpoint", [24]) { x, _ in
      Lambda(name: "block") { tanh(Dropout(0.4)(Linear(24)($0))) }.checkpointed(x)
    },
    Noise("vmap over samples", [24]) { x, module in
      let noisy = vmap { (row: Tensor) in dropout(row, rate: 0.3, key: module.nextKey()) }
      return attempt { try noisy(x) }
    },
    Noise("vmap over columns", [24]) { x, module in
      let noisy = vmap(
        { (column: Tensor) in dropout(column, rate: 0.3, key: module.nextKey()) }, inAxes: 1,
        outAxes: 1)
      return attempt { try noisy(x) }
    },
    Noise("jit", [24]) { x, module in
      let noisy = jit { (x: Tensor) in dropout(x, rate: 0.3, key: module.nextKey()) }
      return attempt { try noisy(x) }
    },
  ]
}

/// The result, or a failure that `fit` throws.
private func attempt(_ body: () throws -> Tensor) -> Tensor {
  do {
    return try body()
  } catch {
    return fail(error)
  }
}

/// A network with noise between two layers; also in predictions, when told so.
private final class NoisyNetwork: Module {
  private let noise: Noise

  init(_ noise: Noise) {
    self.noise = noise
    super.init()
  }

  func call(_ x: Tensor) -> Tensor {
    let rows = x.shape[0]
    let hidden = tanh(Linear(24, name: "hidden")(x)).reshape(Shape([rows] + noise.sample))
    let noisy = noise.apply(hidden, self)
    let features = noisy.shape.dropFirst().reduce(1, *)
    return Linear(3, name: "logits")(noisy.reshape([rows, features]))
  }
}

private func samples(_ rows: Int) -> (x: Tensor, y: Tensor) {
  let x = randomNormal([rows, 5], key: RandomKey(seed: 7, stream: 1))
  let w = randomNormal([5, 3], key: RandomKey(seed: 7, stream: 2))
  return (x, argmax(matmul(x, w), axis: -1))
}

private func makeModel(_ noise: Noise, runEagerly: Bool = false) -> Model {
  Model(
    module: NoisyNetwork(noise), loss: SparseCategoricalCrossentropy(fromLogits: true),
    optimizer: SGD(learningRate: 0.1, momentum: 0.5), seed: 3, runEagerly: runEagerly)
}

/// Runs `body` with losses weighted by the samples that a rank has, which is exact for uneven shares.
private func exactly<R>(_ body: () throws -> R) rethrows -> R {
  let strategy = FixedStrategy(
    communicator, lossScaling: .globalBatch,
    gradientReduction: DistributionContext.strategy.gradientReduction)
  return try DistributionContext.$strategy.withValue(strategy, operation: body)
}

private func naming<R>(_ noise: Noise, _ body: () throws -> R) throws -> R {
  do {
    return try body()
  } catch {
    throw CheckFailure("\(noise.name): \(error)")
  }
}

private func checkSameWeights(
  _ kinds: [Noise], rows: Int, batchSize: Int, epochs: Int, runEagerly: Bool = false
) throws {
  let (x, y) = samples(rows)
  for noise in kinds {
    func train() throws -> Model {
      let model = makeModel(noise, runEagerly: runEagerly)
      try model.fit(x: x, y: y, batchSize: batchSize, epochs: epochs, verbose: .silent)
      // What follows goes on with the keys.
      _ = try model.trainOnBatch(x: x[0..<batchSize], y: y[0..<batchSize])
      return model
    }
    try naming(noise) {
      let expected = try alone { try train() }
      let model = try exactly { try train() }
      try requireSameWeights(model, expected, tolerance: 1e-5)
      try requireSameOnAllRanks(model)
    }
  }
}

/// Every kind of noise, in batches that 1, 2, 3 and 4 divide.
func checkNoise() throws {
  try checkSameWeights(Noise.all, rows: 24, batchSize: 12, epochs: 1)
}

/// Shares that differ by one, with a last batch in which a share of equal length begins elsewhere (with 4 ranks, 2 rows
/// from row 8 of 10, then from row 7 of 9); shares of one row, and ranks without any.
func checkUnevenNoise() throws {
  guard communicator.size > 1 else { return }
  try checkSameWeights(Noise.all, rows: 29, batchSize: 10, epochs: 1)
  try checkSameWeights(Noise.all, rows: 8, batchSize: 3, epochs: 1)
}

func checkEagerNoise() throws {
  guard communicator.size > 1 else { return }
  try checkSameWeights(Noise.all, rows: 7, batchSize: 7, epochs: 1, runEagerly: true)
}

/// Noise that does not ask whether training goes on: predictions and evaluations of N ranks are those of one process.
func checkNoisyPredictions() throws {
  let kinds = [
    Noise("normal numbers", [24]) { x, module in
      x + randomNormal(x.shape, key: module.nextKey())
    }
  ]
  let (x, y) = samples(19)
  for noise in kinds {
    func results() throws -> (Tensor, Double) {
      let model = makeModel(noise)
      let loss = try model.evaluate(x: x, y: y, batchSize: 7)["loss"] ?? .nan
      return (try model.predict(x: x, batchSize: 7), loss)
    }
    let (expected, expectedLoss) = try alone { try results() }
    let (found, loss) = try results()
    let difference = max(abs(found - expected)).item()
    try require(difference <= 1e-5, "predictions differ by \(difference) from one process")
    try require(
      abs(loss - expectedLoss) <= 1e-6 * max(1, expectedLoss),
      "the loss is \(loss), one process says \(expectedLoss)")
  }
}

/// A module called by itself knows no batch: every rank draws numbers of its own.
func checkNoiseOutsideTraining() throws {
  final class Drawing: Module {
    func call(_ x: Tensor) -> Tensor { randomUniform([8], key: nextKey()) }
  }
  guard communicator.size > 1 else { return }
  let own = Drawing()(Tensor(0.0)).scalars(as: Float.self)
  _ = try requireError("the same noise on all ranks") {
    try agree(on: own.map { "\($0)" }, subject: "noise", communicator: communicator)
  }
}

/// A rank that calls the module by itself between two calls of `fit`, to print something say, is not ahead of the others.
func checkCallOfOneRank() throws {
  let (x, y) = samples(24)
  func train() throws -> Model {
    let network = NoisyNetwork(Noise.all[0])
    let model = Model(
      module: network, loss: SparseCategoricalCrossentropy(fromLogits: true),
      optimizer: SGD(learningRate: 0.1), seed: 0xfedc_ba98_7654_3211)
    for _ in 0..<2 {
      try model.fit(x: x, y: y, batchSize: 12, verbose: .silent)
      if communicator.rank == 0 { _ = network(x) }
    }
    return model
  }
  let expected = try alone { try train() }
  try requireSameWeights(try train(), expected, tolerance: 1e-5)
}

/// The README's program.
private final class DigitsNetwork: Module {
  func call(_ x: Tensor) -> Tensor {
    var x = Flatten()(x.cast(to: .float32) / 16)
    x = relu(Linear(128)(x))
    x = Dropout(0.2)(x)
    return Linear(10)(x)
  }
}

func checkReadme() throws {
  let digits = try Digits.load()
  func train() throws -> Model {
    let model = Model(
      module: DigitsNetwork(), loss: SparseCategoricalCrossentropy(fromLogits: true),
      metrics: [SparseCategoricalAccuracy(name: "accuracy")], optimizer: Adam(learningRate: 1e-3))
    try model.fit(
      x: digits.images, y: digits.labels, batchSize: 64, epochs: 2, verbose: .silent,
      validationSplit: 0.2)
    return model
  }
  let expected = try alone { try train() }
  try requireSameWeights(try exactly { try train() }, expected, tolerance: 1e-4)
}

/// A second `fit` goes on with the orders, on all ranks.
func checkOrders() throws {
  let (x, y) = samples(24)
  func train(calls: Int, epochs: Int) throws -> Model {
    let model = makeModel(Noise.all[0])
    for _ in 0..<calls {
      try model.fit(x: x, y: y, batchSize: 12, epochs: epochs, verbose: .silent)
    }
    return model
  }
  let expected = try alone { try train(calls: 1, epochs: 4) }
  try requireSameWeights(try train(calls: 4, epochs: 1), expected, tolerance: 1e-5)
}

/// Modules that nobody gives a seed differ from each other, and are the same on all ranks.
func checkSeeds() throws {
  let x = Tensor.ones([2, 3])
  let kernels = (0..<3).map { _ in
    let layer = Linear(4)
    _ = layer(x)
    return (layer.kernel as Tensor).scalars(as: Float.self)
  }
  try require(Set(kernels).count == 3, "modules made one after the other have equal weights")
  try agree(on: kernels.map { "\($0)" }, subject: "first weights", communicator: communicator)
  setSeed(11)
  let first = Linear(4)
  _ = first(x)
  setSeed(11)
  let again = Linear(4)
  _ = again(x)
  let difference = max(abs((first.kernel as Tensor) - (again.kernel as Tensor))).item()
  try require(difference == 0, "the same seed gives other weights")
}
