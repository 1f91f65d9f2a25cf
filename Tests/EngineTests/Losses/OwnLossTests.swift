import Engine
import TestSupport
import Testing

/// As `docs/modules.md` writes a loss.
private struct OwnMSE: Loss {
  struct Inputs: Decodable { let yTrue, yPred: Tensor }
  func call(_ i: Inputs) -> Tensor { mean(square(i.yTrue - i.yPred), axis: -1) }
}

/// A loss of one's own that takes class numbers.
private struct OwnSparse: Loss {
  struct Inputs: Decodable { let yTrue, yPred: Tensor }
  func call(_ i: Inputs) -> Tensor {
    -sum(
      logSoftmax(i.yPred) * oneHot(i.yTrue.cast(to: .int32), depth: i.yPred.shape[-1]), axis: -1)
  }
}

/// As `docs/modules.md` writes a metric.
private final class OwnAccuracy: Metric {
  struct Inputs: Decodable { let yTrue, yPred: Tensor }
  func update(_ i: Inputs) {
    let (total, count) = (state("total"), state("count"))
    total.value = total.value + sum((i.yTrue .== i.yPred).cast(to: .float64))
    count.value = count.value + Double(i.yTrue.elementCount)
  }

  func result() -> Tensor { state("total").value / state("count").value }
}

/// A metric that weights its values itself.
private final class OwnWeighted: Metric {
  struct Inputs: Decodable {
    let yTrue, yPred: Tensor
    let sampleWeight: Tensor?
  }
  func update(_ i: Inputs) {
    let error = mean(abs(i.yTrue - i.yPred), axis: -1)
    let total = state("total")
    total.value = total.value + sum(i.sampleWeight.map { error * $0 } ?? error)
  }

  func result() -> Tensor { state("total").value }
}

/// Two outputs with labels of the same names.
private struct OwnPair: Loss {
  struct Pair: Decodable { let a, b: Tensor }
  struct Inputs: Decodable { let yTrue, yPred: Pair }
  func call(_ i: Inputs) -> Tensor {
    mean(abs(i.yTrue.a - i.yPred.a) + abs(i.yTrue.b - i.yPred.b), axis: -1)
  }
}

/// Two outputs with labels of other names.
private struct OwnJoint: Loss {
  struct Labels: Decodable { let a, b: Tensor }
  struct Outputs: Decodable { let keyA, keyB: Tensor }
  struct Inputs: Decodable {
    let yTrue: Labels
    let yPred: Outputs
  }
  let options: LossOptions
  func call(_ i: Inputs) -> Tensor { abs(i.yTrue.a + i.yTrue.b - i.yPred.keyA - i.yPred.keyB) }
}

@Suite("Losses and metrics of one's own get labels and predictions of one rank")
struct OwnLossTests {
  static let flat = Tensor([1.0, 2, 3])
  static let column = Tensor([[1.0], [2], [3]])

  private let custom = CustomLoss("mse", \.yTrue, \.yPred) { mean(square($0 - $1), axis: -1) }

  /// Keras 3 squeezes or expands what its loss functions get: `squeeze_or_expand_to_same_rank`.
  @Test(
    "Right predictions have the loss 0", arguments: [(flat, column), (column, flat), (flat, flat)])
  func losses(_ labels: Tensor, _ predictions: Tensor) throws {
    #expect(try OwnMSE()(yTrue: labels, yPred: predictions).item() == 0)
    #expect(try custom(yTrue: labels, yPred: predictions).item() == 0)
    #expect(try OwnMSE()(yTrue: labels, yPred: predictions + 1).item() == 1)
  }

  @Test(
    "Right predictions have the error 0", arguments: [(flat, column), (column, flat), (flat, flat)])
  func metrics(_ labels: Tensor, _ predictions: Tensor) throws {
    let metric = CustomMetric("mse", \.yTrue, \.yPred) { square($0 - $1) }
    #expect(try metric(yTrue: labels, yPred: predictions).item() == 0)
    #expect(try metric(yTrue: labels, yPred: predictions + 2).item() == 2)
    #expect(try OwnAccuracy()(yTrue: labels, yPred: predictions).item() == 1)
  }

  @Test("Steps and pictures lose or get their last axis")
  func moreAxes() throws {
    let steps = Tensor([[1.0, 2], [3, 4], [5, 6]])
    let wide = expandDims(steps, axis: -1)
    #expect(try OwnMSE()(yTrue: steps, yPred: wide).item() == 0)
    #expect(try OwnMSE()(yTrue: wide, yPred: steps).item() == 0)
  }

  @Test("fit finds y = 2x from labels without an axis", arguments: [false, true])
  func fit(_ eagerly: Bool) throws {
    let x = Tensor([[-1.0], [0], [1], [3]])
    let y = Tensor([-2.0, 0, 2, 6])
    for loss: any Loss in [OwnMSE(), custom] {
      let model = Model(
        module: Linear(1), losses: LossTree(loss), metrics: [OwnAccuracy()],
        optimizer: SGD(learningRate: 0.1), runEagerly: eagerly)
      try model.fit(x: x, y: y, epochs: 200, verbose: .silent)
      let prediction: Tensor = try model.predict(x: Tensor([[1.0], [0]]))
      expectClose(prediction, [2, 0], atol: 1e-4)
    }
  }

  @Test("Class numbers stay as they are")
  func classNumbers() throws {
    let logits = Tensor([[1.0, 0, 2], [0, 1, 0], [0, 0, 3]])
    let numbers = Tensor([0, 1, 2])
    let expected = try SparseCategoricalCrossentropy(fromLogits: true)(
      yTrue: numbers, yPred: logits)
    expectClose(try OwnSparse()(yTrue: numbers, yPred: logits), expected)
    // One class only: its probability is 1, whatever the shape of the labels.
    let steps = Tensor.zeros([2, 3], dtype: .int32)
    let loss = SparseCategoricalCrossentropy(fromLogits: true)
    #expect(try loss(yTrue: steps, yPred: Tensor.ones([2, 3, 1])).item() == 0)
    let accuracy = try SparseCategoricalAccuracy()(yTrue: steps, yPred: Tensor.ones([2, 3, 1]))
    #expect(accuracy.item() == 1)
  }

  @Test("One weight a sample, in one column or none, weights each sample")
  func weights() throws {
    let predictions = Self.column + Tensor([[1.0], [2], [3]])
    for weights in [Tensor([1.0, 0, 2]), Tensor([[1.0], [0], [2]])] {
      // 1 · 1 + 0 · 2 + 2 · 3
      let value = try OwnWeighted()(
        yTrue: Self.flat, yPred: predictions, sampleWeight: weights)
      #expect(value.item() == 7)
      let mse = CustomMetric("mae", \.yTrue, \.yPred) { abs($0 - $1) }
      #expect(
        try mse(yTrue: Self.flat, yPred: predictions, sampleWeight: weights).item() == 7.0 / 3)
    }
  }

  @Test("Structures are matched part by part")
  func structures() throws {
    let right = ["a": Self.column, "b": Self.column]
    #expect(try OwnPair()(yTrue: ["a": Self.flat, "b": Self.column], yPred: right).item() == 0)
    let custom = CustomLoss("mae", \.yTrue, \.yPred, on: "a") { mean(abs($0 - $1), axis: -1) }
    #expect(try custom(yTrue: ["a": Self.flat, "b": Self.flat], yPred: right).item() == 0)
    let joint = try OwnJoint(options: LossOptions(reduction: .none))(
      yTrue: ["a": Self.flat, "b": Self.flat], yPred: ["keyA": Self.column, "keyB": Self.column])
    #expect(joint.shape == [3, 1] && max(joint).item() == 0)
  }

  @Test("Labels that met predictions crosswise are an error")
  func crosswise() {
    // Labels and predictions come as [3, 1]; taking an axis from one of them alone makes [3, 3] of the difference.
    let crossed = CustomLoss("crossed", \.yTrue, \.yPred) { abs($0 - $1[.all, 0]) }
    expectError("crossed: values [3, 3]") {
      _ = try crossed(yTrue: Self.flat, yPred: Self.column)
    }
    let metric = CustomMetric("crossed", \.yTrue, \.yPred) { abs($0 - $1[.all, 0]) }
    expectError("crossed: values [3, 3]") {
      _ = try metric(yTrue: Self.flat, yPred: Self.column)
    }
  }
}
