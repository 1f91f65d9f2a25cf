import Engine
import Foundation
import TestSupport
import Testing

/// The network of `training.json`: Dense(8) [BatchNormalization] tanh Dense(3).
private final class Network: Module {
  private let normalized: Bool
  private let l2: Double?

  init(normalized: Bool, l2: Double?) {
    self.normalized = normalized
    self.l2 = l2
    super.init()
  }

  func call(_ x: Tensor) -> Tensor {
    let hidden = Linear(8, kernelRegularizer: l2.map { L2($0) }, name: "hidden")
    let normalization = normalized ? BatchNormalization(momentum: 0.9, name: "normalization") : nil
    let output = Linear(3, name: "logits")
    let y = hidden(x)
    return output(tanh(normalization?(y) ?? y))
  }
}

@Suite struct TrainingParityTests {
  static let fixture = Result { try Fixture.load("training", from: .module) }
  static let logged = ["loss", "accuracy", "weighted_accuracy"].flatMap { [$0, "val_" + $0] }
  static var cases: [FixtureCase] { (try? fixture.get().cases) ?? [] }

  @Test func `there are cases`() throws { #expect(try Self.fixture.get().cases.count >= 10) }

  @Test(arguments: cases, [false, true])
  func `fit gives the history and the weights of Keras`(
    example: FixtureCase, eagerly: Bool
  ) throws {
    let data = try Self.fixture.get()["data"]
    let rows = try example["rows"].int()
    // The gradient of a bias before a normalisation is 0, and Adam makes steps of its rounding errors: float64 there.
    let dtype: DType = try example["batch_normalization"].bool() ? .float64 : .float32
    let x = try data["x"].tensor(dtype)[0..<rows]
    let y = try data["y"].tensor(.int32)[0..<rows]
    let model = try makeModel(example, eagerly: eagerly)
    let _: Tensor = try model.predictOnBatch(x: x)
    try setWeights(model, example["initial_weights"])

    let split = try example.optional("validation_split")?.double() ?? 0
    let history = try model.fit(
      x: x, y: y, batchSize: 8, epochs: 3, verbose: .silent, validationSplit: split,
      validationData: split > 0
        ? nil
        : ValidationData(
          x: data["x_validation"].tensor(dtype), y: data["y_validation"].tensor(.int32)),
      shuffle: false, classWeight: try classWeight(example),
      sampleWeight: try example["sample_weight"].bool()
        ? data["sample_weight"].tensor(.float32)[0..<rows] : nil)

    for name in Self.logged {
      let expected = try example["history"][name].doubles()
      expectClose(
        Tensor(history.history[name] ?? [], dtype: .float64), Tensor(expected, dtype: .float64),
        atol: 1e-6, rtol: 1e-5)
    }
    for weight in try example["weights"].elements() {
      let name = try weight["name"].string()
      let variable = try #require(model.module.namedVariables.first { $0.path == name }?.variable)
      expectClose(variable.value, try weight["value"].tensor(dtype), atol: 2e-6, rtol: 1e-5)
    }
    let logs = try model.evaluate(x: x, y: y, batchSize: 8)
    for name in Self.logged.filter({ !$0.hasPrefix("val_") }) {
      let expected = try example["evaluate"][name].double()
      expectClose(logs[name] ?? .nan, expected, atol: 2e-6, rtol: 1e-5)
    }
    let predictions: Tensor = try model.predict(
      x: data["x_validation"].tensor(dtype), batchSize: 8)
    expectClose(predictions, try example["predict"].tensor(dtype), atol: 5e-6, rtol: 1e-5)
  }

  private func makeModel(_ example: FixtureCase, eagerly: Bool) throws -> Model {
    let settings = try example["optimizer"]
    let arguments = try settings["arguments"]
    let rate = try arguments["learning_rate"].double()
    let clipping = try arguments.optional("global_clipnorm").map {
      GradientClipping.globalNorm(try $0.double())
    }
    let optimizer: Optimizer =
      try settings["class"].string() == "Adam"
      ? Adam(learningRate: rate)
      : SGD(
        learningRate: rate, momentum: try arguments.optional("momentum")?.double() ?? 0,
        nesterov: try arguments.optional("nesterov")?.bool() ?? false, clipping: clipping)
    let reduction: Reduction = try example.optional("reduction")?.string() == "sum" ? .sum : .auto
    return Model(
      module: Network(
        normalized: try example["batch_normalization"].bool(),
        l2: try example.optional("l2")?.double()),
      loss: SparseCategoricalCrossentropy(fromLogits: true, reduction: reduction),
      metrics: [SparseCategoricalAccuracy(name: "accuracy")],
      weightedMetrics: [SparseCategoricalAccuracy(name: "weighted_accuracy")], optimizer: optimizer,
      runEagerly: eagerly)
  }

  private func classWeight(_ example: FixtureCase) throws -> [Int: Double]? {
    guard let weights = try example.optional("class_weight")?.doubles() else { return nil }
    return Dictionary(uniqueKeysWithValues: weights.enumerated().map { ($0, $1) })
  }

  private func setWeights(_ model: Model, _ weights: JSONValue) throws {
    for weight in try weights.elements() {
      let name = try weight["name"].string()
      let variable = try #require(model.module.namedVariables.first { $0.path == name }?.variable)
      variable.value = try weight["value"].tensor(.float32)
    }
  }
}
