import Engine
import TensorsTestSupport

/// Losses of sums over a batch: the sums are those over all ranks.
struct SumLosses: ShareExample {
  let x: Tensor
  let y: Tensor
  let weights: Tensor? = nil

  init(rows: Int) {
    var draw = SeededGenerator(seed: 5)
    x = draw.uniform([rows, 3], dtype: .float64)
    y = Tensor((0..<2 * rows).map { Double($0 % 3 % 2) }, shape: [rows, 2], dtype: .float64)
  }

  private final class Probabilities: Module {
    func call(_ x: Tensor) -> Tensor { sigmoid(Linear(2)(x)) }
  }

  func model(runEagerly: Bool) -> Model {
    Model(
      module: Probabilities(),
      losses: [
        Dice(), Dice(axes: [0], reduction: .none, weight: 0.3),
        Tversky(alpha: 0.3, beta: 0.9, reduction: .sum, weight: 0.5),
        Dice(axes: [1], name: "dice_of_samples"), BinaryFocalCrossentropy(),
      ], optimizer: SGD(learningRate: 0.5), seed: 3, runEagerly: runEagerly)
  }
}

/// Steps whose label says nothing, in sequences of which some steps do not count, and sequences that have neither.
struct IgnoredSteps: ShareExample {
  let x: Tensor
  let y: Tensor
  let weights: Tensor?

  init(rows: Int) {
    var draw = SeededGenerator(seed: 6)
    let isCounted = Tensor((0..<rows).map { Double($0 % 3) }, shape: [rows, 1, 1], dtype: .float64)
    x = draw.uniform([rows, 4, 3], dtype: .float64) * isCounted
    y = Tensor((0..<4 * rows).map { $0 % 5 % 3 - 1 }, shape: [rows, 4])
    weights = Tensor((0..<rows).map { 0.5 + Double($0 % 4) }, shape: [rows], dtype: .float64)
  }

  private final class PositiveSteps: Module {
    func call(_ x: Tensor) -> Tensor {
      setMask(x[0..., 0..., 0] .> 0)
      return x
    }
  }

  func model(runEagerly: Bool) -> Model {
    Model(
      module: Sequential(PositiveSteps(), Linear(2)),
      losses: [
        SparseCategoricalCrossentropy(fromLogits: true, ignoreClass: -1),
        SparseCategoricalCrossentropy(
          fromLogits: true, ignoreClass: -1, reduction: .sum, name: "sum"),
        SparseCategoricalCrossentropy(
          fromLogits: true, ignoreClass: -1, reduction: .meanWithSampleWeight, name: "weighted"),
      ], optimizer: SGD(learningRate: 0.1), seed: 3, runEagerly: runEagerly)
  }
}

/// With Keras's scaling the loss is the mean of those of the ranks' shares. The weight of `w · x` starts at 1, so the gradient says
/// what the loss was: `1 − w` is the mean of the slopes of each share's overlap.
func checkOverlapOfShares() throws {
  final class Scaled: Module {
    func call(_ x: Tensor) -> Tensor {
      x * parameter("w", shape: [], initializer: Ones(), dtype: x.dtype)
    }
  }
  let (p, t) = ([0.9, 0.2, 0.7, 0.4], [1.0, 0, 1, 1])
  /// `d/dw (1 − 2 w Σ tp / (Σ t + w Σ p))` at 1.
  func slope(_ rows: Range<Int>) -> Double {
    let (overlap, labels) = (rows.map { t[$0] * p[$0] }.reduce(0, +), t[rows].reduce(0, +))
    let total = labels + p[rows].reduce(0, +)
    return rows.isEmpty ? 0 : -2 * overlap * labels / (total * total)
  }
  let size = communicator.size
  let shares = (0..<size).map { Sharding.slice(count: 4, rank: $0, size: size) }
  let expected: [(LossScaling, Double)] = [
    (.replicas, shares.map(slope).reduce(0, +) / Double(size)), (.globalBatch, slope(0..<4)),
  ]
  for (scaling, slope) in expected {
    try weightedBySamples(scaling: scaling) {
      let model = Model(module: Scaled(), loss: Dice(), optimizer: SGD(learningRate: 1))
      try model.trainOnBatch(
        x: Tensor(p, shape: [4, 1], dtype: .float64), y: Tensor(t, shape: [4, 1], dtype: .float64))
      let moved = 1 - model.module.trainableVariables[0].value.item()
      try require(
        Swift.abs(moved - slope) < 1e-6, "\(scaling): the slope is \(moved) and not \(slope)")
    }
  }
}
