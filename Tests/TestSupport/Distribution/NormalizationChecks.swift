import Engine

/// Batch normalization with the statistics of all ranks: N ranks give what one process gives.
extension TrainingCheck {
  /// Checks for any number of ranks.
  public static let normalization: [TrainingCheck] = [
    TrainingCheck(name: "synchronized-example", run: checkExample),
    TrainingCheck(name: "synchronized-shares") {
      try checkShares(rows: [(9, 4), (11, 11), (3, 1), (7, 2)], Images.init)
    },
    TrainingCheck(name: "synchronized-shares-eagerly") {
      try checkShares(rows: [(9, 4)], runEagerly: true, Images.init)
    },
    TrainingCheck(name: "synchronized-keras-scaling") {
      let size = communicator.size
      try checkShares(rows: [(4 * size, 2 * size)], scaling: .replicas, Images.init)
    },
    TrainingCheck(name: "synchronized-masks") {
      try checkShares(rows: [(9, 4), (3, 1)], Sequences.init)
    },
    TrainingCheck(name: "synchronized-masks-eagerly") {
      try checkShares(rows: [(9, 4)], runEagerly: true, Sequences.init)
    },
    TrainingCheck(name: "synchronized-gradient", run: checkGradient),
    TrainingCheck(name: "synchronized-far-from-zero", run: checkFarFromZero),
    TrainingCheck(name: "synchronized-messages", run: checkMessages),
    TrainingCheck(name: "synchronized-checkpoint", run: checkCheckpoint),
  ]
}

/// 1, 3, 5, 7 have the variance 5 and are normalized to ±0.447 and ±1.342. (Two ranks by themselves find 1, and ±1.)
private func checkExample() throws {
  for runEagerly in [false, true] {
    let layer = BatchNormalization(epsilon: 0, synchronized: true)
    let logs = try weightedBySamples {
      try Model(
        module: Sequential(layer), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1),
        runEagerly: runEagerly
      ).trainOnBatch(
        x: Tensor([[1.0], [3], [5], [7]]), y: Tensor([[0.0], [0], [3], [3]]))
    }
    try require(Swift.abs((logs["loss"] ?? .nan) - 2.816718) < 2e-6, "the loss is \(logs)")
    let (mean, variance) = (
      layer.moving_mean as Tensor, layer.moving_variance as Tensor
    )
    try require(
      Swift.abs(mean.item() - 0.04) < 1e-6 && Swift.abs(variance.item() - 1.04) < 1e-6,
      "the moving statistics are \(mean.item()) and \(variance.item())")
  }
}

/// Two layers of normalization, of images.
private struct Images: ShareExample {
  let x: Tensor
  let y: Tensor
  let weights: Tensor? = nil

  init(rows: Int) {
    var draw = SeededGenerator(seed: 5)
    x = draw.uniform([rows, 4, 4, 2], from: 1, to: 3)
    y = draw.uniform([rows, 2])
  }

  func model(runEagerly: Bool) -> Model {
    Model(
      module: Sequential(
        Conv2D(3, kernelSize: 3), BatchNormalization(momentum: 0.8, synchronized: true), ReLU(),
        Flatten(), Linear(8, kernelRegularizer: L2(0.01)),
        BatchNormalization(
          momentum: 0.5, gammaRegularizer: L2(0.01), synchronized: true, name: "second"), Tanh(),
        Linear(2)),
      loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.05, momentum: 0.9), seed: 3,
      runEagerly: runEagerly)
  }
}

/// Of sequences with a mask; the first, and every third one, has no step that counts.
private struct Sequences: ShareExample {
  let x: Tensor
  let y: Tensor
  let weights: Tensor? = nil

  private final class Announcing: Module {
    func call(_ x: Tensor) -> Tensor {
      setMask(x[0..., 0..., 0] .> 0)
      return x
    }
  }

  init(rows: Int) {
    var draw = SeededGenerator(seed: 6)
    let isCounted = Tensor((0..<rows).map { Double($0 % 3) }, shape: [rows, 1, 1], dtype: .float64)
    x = draw.uniform([rows, 4, 3], dtype: .float64) * isCounted
    y = draw.uniform([rows, 4, 2])
  }

  func model(runEagerly: Bool) -> Model {
    Model(
      module: Sequential(
        Announcing(), BatchNormalization(momentum: 0.8, synchronized: true), Linear(4),
        BatchNormalization(momentum: 0.5, synchronized: true), Tanh(), Linear(2)),
      loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.05), seed: 3, runEagerly: runEagerly)
  }
}

/// The gradient by the samples of all ranks, which have different numbers of them, against central differences.
private func checkGradient() throws {
  let (ranks, rows) = (communicator.size, 2 * communicator.size + 1)
  var draw = SeededGenerator(seed: 8)
  let x = draw.uniform([rows, 3, 2])
  let target = draw.uniform([rows, 3, 2])
  let mask = draw.integers([rows, 3], in: 0..<3, dtype: .int32) .> 0
  let share = Sharding.slice(count: rows, rank: communicator.rank, size: ranks)
  final class Announcing: Module {
    let mask: Tensor
    init(_ mask: Tensor) {
      self.mask = mask
      super.init()
    }
    func call(_ x: Tensor) -> Tensor {
      setMask(mask)
      return x
    }
  }
  let layer = BatchNormalization(synchronized: true)
  let net = Sequential(Announcing(mask[share]), layer)
  try net.initialize(x[share])
  layer.merge(layer.parameters().map { $0 + 0.5 })
  let own = { (x: Tensor) in sum(square(net(x) - target[share])) }
  let atOnce = grad(own)
  let compiled = jit { (x: Tensor) in try atOnce(x) }
  for name in ["at once", "compiled"] {
    let slopes = try name == "compiled" ? compiled(x[share]) : atOnce(x[share])
    let found = slopes.scalars(as: Double.self)
    for (place, first) in (0..<x.elementCount).map({ ($0, $0 / 6) }) {
      // All ranks compute the loss of the changed batch, also those that have no part in the change.
      func total(_ change: Double) throws -> Double {
        var values = x.scalars(as: Double.self)
        values[place] += change
        let changed = Tensor(values, shape: x.shape, dtype: .float64)
        return try allReduce(own(changed[share])).item()
      }
      let step = 1e-5
      let expected = (try total(step) - (try total(-step))) / (2 * step)
      guard share.contains(first) else { continue }
      let slope = found[place - share.lowerBound * 6]
      try require(
        Swift.abs(slope - expected) <= 1e-6 * (1 + Swift.abs(expected)),
        "\(name): the slope by element \(place) is \(slope), differences give \(expected)")
    }
  }
}

/// 10,001, 10,003, 10,005 and 10,007 have the variance 5, which float32 loses in the mean of squares less the square of the mean.
private func checkFarFromZero() throws {
  let layer = BatchNormalization(momentum: 0, synchronized: true)
  let model = Model(
    module: Sequential(layer), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0))
  let x = Tensor([[10_001.0], [10_003], [10_005], [10_007]], dtype: .float32)
  try model.trainOnBatch(x: x, y: 0 * x)
  let (mean, variance) = (
    (layer.moving_mean as Tensor).item(), (layer.moving_variance as Tensor).item()
  )
  try require(
    mean == 10_004 && Swift.abs(variance - 5) < 1e-5, "mean \(mean), variance \(variance)")
}

/// A layer sends one message forward and one backward; at inference, frozen, and unless it is asked to, none.
private func checkMessages() throws {
  guard communicator.size > 1 else { return }
  let x = Tensor([[1.0], [3], [5], [7]])
  func messages(synchronized: Bool, frozen: Bool = false) throws -> (train: Int, evaluate: Int) {
    let counting = CountingRanks(communicator)
    return try weightedBySamples(counting) {
      let layer = BatchNormalization(synchronized: synchronized)
      let model = Model(
        module: Sequential(Linear(2), layer, Linear(1)), loss: MeanSquaredError(),
        optimizer: SGD(learningRate: 0.1))
      try model.trainOnBatch(x: x, y: x)
      _ = try model.testOnBatch(x: x, y: x)
      if frozen { layer.freeze() }
      try model.trainOnBatch(x: x, y: x)
      _ = try model.testOnBatch(x: x, y: x)
      let first = counting.messages
      try model.trainOnBatch(x: x, y: x)
      let second = counting.messages
      _ = try model.testOnBatch(x: x, y: x)
      return (second - first, counting.messages - second)
    }
  }
  let own = try messages(synchronized: false)
  let joined = try messages(synchronized: true)
  try requireEqual(joined.train, own.train + 2, "messages of a training step")
  try requireEqual(joined.evaluate, own.evaluate, "messages of an evaluation")
  let frozen = try messages(synchronized: true, frozen: true)
  let ownFrozen = try messages(synchronized: false, frozen: true)
  try requireEqual(frozen.train, ownFrozen.train, "messages of a frozen layer")
}

/// Computed again in the backward pass, the ranks meet again.
private func checkCheckpoint() throws {
  struct Checkpointing: ShareExample {
    let x: Tensor
    let y: Tensor
    let weights: Tensor? = nil

    init(rows: Int) {
      var draw = SeededGenerator(seed: 9)
      x = draw.uniform([rows, 3])
      y = draw.uniform([rows, 2])
    }

    final class Network: Module {
      func call(_ x: Tensor) -> Tensor {
        let block = Sequential(
          Linear(4), BatchNormalization(momentum: 0.8, synchronized: true), Tanh())
        return Linear(2)(block.checkpointed(x))
      }
    }

    func model(runEagerly: Bool) -> Model {
      Model(
        module: Network(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.05), seed: 3,
        runEagerly: runEagerly)
    }
  }
  try checkShares(rows: [(9, 4), (3, 1)], Checkpointing.init)
}
