import Engine
import Foundation
import TestSupport
import Testing

@Suite("Losses in training", .seeded)
struct LossTrainingTests {
  /// Gives its input, times a number that is 1.
  private final class Same: Module {
    let counts: Bool

    init(counts: Bool = false) { self.counts = counts }

    func call(_ x: Tensor) -> Tensor {
      if counts { setMask(x[0..., 0..., 0] .> 0) }
      return x * parameter("w", shape: [], initializer: Ones())
    }
  }

  private func model(
    _ losses: [any LossNode], counts: Bool = false, runEagerly: Bool = false
  ) -> Model {
    Model(
      module: Same(counts: counts), losses: .list(losses), optimizer: SGD(learningRate: 0),
      runEagerly: runEagerly)
  }

  /// The value of a name in logs.
  private func expect(
    _ logs: Logs, _ name: String, _ value: Double, within tolerance: Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try #require(logs[name], sourceLocation: sourceLocation)
    expectClose(found, value, atol: tolerance, rtol: 0, sourceLocation: sourceLocation)
  }

  @Test("Labels that are ignored do not count in a mean, and steps that a mask hides neither")
  func ignored() throws {
    let x = Tensor([[[1.0, 0], [2, -1], [-1, 1]], [[3, 1], [0.5, 0.5], [1, 2]]])
    let labels = Tensor([[0, -1, 1], [1, 0, -1]])
    let weights = Tensor([2.0, 0.5])
    // log(1 + exp(−gap)) of each step.
    func value(_ gap: Double) -> Double { log(1 + exp(-gap)) }
    let values = [[value(1), 0, value(2)], [value(-2), value(0), 0]]
    let hidden = [[value(1), 0, 0], [value(-2), value(0), 0]]
    func total(_ rows: [[Double]], _ weights: [Double] = [1, 1]) -> Double {
      zip(rows, weights).reduce(0) { $0 + $1.0.reduce(0, +) * $1.1 }
    }
    for runEagerly in [false, true] {
      let losses = [Reduction.auto, .sum].map {
        SparseCategoricalCrossentropy(fromLogits: true, ignoreClass: -1, reduction: $0)
      }
      let plain = model(losses, runEagerly: runEagerly)
      let logs = try plain.evaluate(x: x, y: labels)
      let name = "sparse_categorical_crossentropy_loss"
      try expect(logs, name, total(values) / 4, within: 1e-6)
      try expect(logs, name + "_1", total(values), within: 1e-6)
      let weighted = try plain.evaluate(x: x, y: labels, sampleWeight: weights)
      try expect(weighted, name, total(values, [2, 0.5]) / 4, within: 1e-6)
      let masked = model(losses, counts: true, runEagerly: runEagerly)
      let both = try masked.evaluate(x: x, y: labels)
      try expect(both, name, total(hidden) / 3, within: 1e-6)
      try expect(both, name + "_1", total(hidden), within: 1e-6)
      let nothing = try masked.evaluate(x: x, y: 0 * labels - 1)
      #expect(nothing[name] == 0)
    }
  }

  @Test("Predictions beside ignored labels may be anything")
  func ignoredPredictions() throws {
    for fromLogits in [true, false] {
      let loss = SparseCategoricalCrossentropy(fromLogits: fromLogits, ignoreClass: 9)
      let predictions = Tensor([[Double.nan, .infinity], [0.25, 0.75]])
      let (value, gradient) = try valueAndGrad { (x: Tensor) in
        try loss(yTrue: Tensor([9, 1]), yPred: x)
      }(predictions)
      #expect(value.item().isFinite)
      #expect(all(isFinite(gradient)).item(as: Bool.self))
      expectClose(gradient[0], [0, 0], atol: 0)
    }
    expectError("number 9 at position 0 does not exist") {
      _ = try SparseCategoricalCrossentropy(ignoreClass: 8)(
        yTrue: Tensor([9, 1]), yPred: Tensor.ones([2, 2]))
    }
  }

  @Test("Classes on another axis are those of the last one, moved")
  func classAxis() throws {
    let logits = Tensor([[[1.0, 0, 2], [0.5, -1, 3]], [[0, 1, 1], [2, 2, -2]]])
    let labels = Tensor([[0, 1, 1], [1, 0, 9]])
    let moved = transpose(logits, [0, 2, 1])
    for fromLogits in [true, false] {
      let predictions = fromLogits ? logits : softmax(logits, axis: 1)
      let found = SparseCategoricalCrossentropy(
        fromLogits: fromLogits, ignoreClass: 9, axis: 1, reduction: .none)
      let expected = SparseCategoricalCrossentropy(
        fromLogits: true, ignoreClass: 9, reduction: .none)
      expectClose(
        try found(yTrue: labels, yPred: predictions), try expected(yTrue: labels, yPred: moved),
        atol: 1e-6)
      // Labels with an axis of length 1 in the place of the classes.
      expectClose(
        try found(yTrue: expandDims(labels, axis: 1), yPred: predictions),
        try expected(yTrue: labels, yPred: moved), atol: 1e-6)
    }
  }

  @Test("A loss of sums is one number a batch, logged under its name")
  func sums() throws {
    let (x, y) = (Tensor([[0.5, 1], [0.25, 0.25]]), Tensor([[1, 1], [0, 1]]))
    let logs = try model([Dice(), Dice(axes: [1]), Tversky(alpha: 1, beta: 0)]).evaluate(x: x, y: y)
    try expect(logs, "dice_loss", 0.3, within: 1e-6)
    // 1 − 3 / 3.5 and 1 − 0.5 / 1.5.
    let rows: [Double] = [1.0 / 7, 2.0 / 3]
    try expect(logs, "dice_loss_1", (rows[0] + rows[1]) / 2, within: 1e-6)
    // What is missing counts, what is too much does not.
    try expect(logs, "tversky_loss", 1.25 / 3, within: 1e-6)
    expectError("the loss gives one number") {
      _ = try model([Dice()]).evaluate(x: x, y: y, sampleWeight: Tensor([1.0, 2]))
    }
  }

  /// As the comment of ``LossOfSums`` writes one, with weights that it asks for.
  private struct RelativeError: LossOfSums {
    struct Inputs: Decodable {
      let yTrue, yPred: Tensor
      let sampleWeight: Tensor?
    }
    var options = LossOptions()
    func sums(_ i: Inputs) -> [Tensor] {
      let (error, size) = (sum(square(i.yTrue - i.yPred), axis: 1), sum(square(i.yTrue), axis: 1))
      return [error, size].map { part in sum(i.sampleWeight.map { $0 * part } ?? part) }
    }
    func value(of sums: [Tensor]) -> Tensor { sums[0] / sums[1] }
  }

  @Test("A loss of sums of one's own, which weighs them itself")
  func ownSums() throws {
    let (x, y) = (Tensor([[1.0, 2], [3, 4]]), Tensor([[1.0, 1], [1, 2]]))
    // Squared errors of the rows: 1 and 8, squares of labels: 2 and 5.
    let own = model([RelativeError()])
    try expect(try own.evaluate(x: x, y: y), "loss", 9.0 / 7, within: 1e-6)
    let weighted = try own.evaluate(x: x, y: y, sampleWeight: Tensor([3.0, 1]))
    try expect(weighted, "loss", 1, within: 1e-6)
    expectClose(try RelativeError()(yTrue: y, yPred: x), Tensor(9.0 / 7))
  }

  @Test("Sequences are learned whose labels have no place, in batches of any size")
  func sequences() throws {
    // Each label is said for two steps, between others that say nothing.
    let labels = [[1, 2], [2, 1], [2, 2], [1, 0], [2, 0]]
    let said = [
      [0, 1, 1, 0, 2, 2], [2, 2, 0, 1, 1, 0], [2, 2, 0, 2, 2, 0], [0, 0, 0, 1, 1, 0],
      [2, 2, 0, 0, 0, 0],
    ]
    let x = oneHot(Tensor(said), depth: 3)
    let model = Model(
      module: Linear(3), loss: CTC(), optimizer: Adam(learningRate: 0.1), seed: 1)
    let history = try model.fit(
      x: x, y: Tensor(labels), batchSize: 2, epochs: 40, verbose: .silent)
    #expect(history["loss"][39] < 0.2 * history["loss"][0])
    let predictions: Tensor = try model.predict(x: x)
    let direct = try CTC()(yTrue: Tensor(labels), yPred: predictions).item()
    let logs = try model.evaluate(x: x, y: Tensor(labels), batchSize: 2)
    try expect(logs, "loss", direct, within: 1e-5)
    let weighted = try model.evaluate(
      x: x, y: Tensor(labels), batchSize: 2, sampleWeight: Tensor([0.0, 0, 0, 0, 0]))
    #expect(weighted["loss"] == 0)
  }

  @Test("Arguments that make no sense are errors")
  func errors() {
    expectError("q must be between 0 and 1, found 1.0") {
      _ = try CategoricalGeneralizedCrossEntropy(q: 1)(
        yTrue: Tensor([0]), yPred: Tensor([[0.5, 0.5]]))
    }
    expectError("found [2] and [2, 3]") {
      _ = try CTC()(yTrue: Tensor([1, 2]), yPred: Tensor.zeros([2, 3]))
    }
    expectError("axis 2 does not exist") {
      _ = try CategoricalCrossentropy(labelSmoothing: 0.1, axis: 2)(
        yTrue: Tensor([[1.0, 0]]), yPred: Tensor([[1.0, 0]]))
    }
    expectError("number 3 at position 0 does not exist: it must be in 0..<3") {
      _ = try CTC()(yTrue: Tensor([[3]]), yPred: Tensor.zeros([1, 2, 3]))
    }
  }
}
