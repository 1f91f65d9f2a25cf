import Engine
import TestSupport
import Testing

@Suite("Masked steps")
struct OutputMaskTests {
  private func model() -> Model {
    Model(
      module: Sequential(
        Embedding(inputs: 6, outputs: 3, maskZero: true), SimpleRNN(4, returnSequences: true),
        Linear(3)),
      loss: SparseCategoricalCrossentropy(fromLogits: true),
      metrics: [SparseCategoricalAccuracy(name: "accuracy")],
      weightedMetrics: [SparseCategoricalAccuracy(name: "weighted_accuracy")],
      optimizer: SGD(learningRate: 0))
  }

  @Test("Losses and metrics leave them out as Keras does", arguments: ["unweighted", "weighted"])
  func evaluate(_ name: String) throws {
    let fixture = try Fixture.load("masks", from: .module)
    let example = try #require(fixture.cases.first { $0.name == name })
    let (x, y) = (try fixture["x"].tensor(), try fixture["y"].tensor())
    let weights = name == "weighted" ? try fixture["sample_weight"].tensor() : nil
    let model = model()
    let _: Tensor = try model.predict(x: x)
    let module = model.module
    for entry in try fixture["weights"].elements() {
      let path = try entry["name"].string().replacing("layers/1/", with: "layers/1/cell/")
      let variable = try #require(module.namedVariables.first { $0.path == path }?.variable)
      variable.value = try entry["value"].tensor()
    }
    let logs = try model.evaluate(x: x, y: y, sampleWeight: weights)
    if let weights {
      let spread = expandDims(weights, axis: -1) * Tensor.ones([4, 5])
      let same = try model.evaluate(x: x, y: y, sampleWeight: spread)
      #expect(same["loss"] == logs["loss"])
    }
    let history = try model.fit(
      x: x, y: y, batchSize: 4, verbose: .silent, shuffle: false, sampleWeight: weights)
    for key in ["loss", "accuracy", "weighted_accuracy"] {
      let expected = try example["logs"][key].double()
      #expect(abs((logs[key] ?? -1) - expected) < 1e-5, "\(key)")
      #expect(abs((history[key].last ?? -1) - expected) < 1e-5, "\(key) in fit")
    }
  }

  @Test(
    "A module announces its own mask; sums only lose the steps, means divide by those that count")
  func announced() throws {
    final class Announcing: Module {
      func call(_ x: Tensor) -> Tensor {
        setMask(x[0..., 0..., 0] .> 0)
        return x
      }
    }
    struct Steps: Loss {
      struct Inputs: Decodable { let yPred: Tensor }
      let options: LossOptions
      func call(_ i: Inputs) -> Tensor { sum(i.yPred, axis: -1) }
    }
    let x = Tensor([[[1.0], [0]], [[3], [5]]], dtype: .float32)
    let model = Model(
      module: Announcing(),
      losses: [
        Steps(options: LossOptions(name: "mean")),
        Steps(options: LossOptions(reduction: .sum, name: "sum")),
      ])
    let logs = try model.evaluate(x: x)
    #expect(logs["mean_loss"] == 3 && logs["sum_loss"] == 9)
    // Each batch divides by its own steps, 1 / 1 and (3 + 5) / 2, and has its own sum: so batchSize matters here.
    let single = try model.evaluate(x: x, batchSize: 1)
    #expect(single["mean_loss"] == 2.5 && single["sum_loss"] == 4.5)
    let empty = try model.evaluate(x: 0 * x)
    #expect(empty["mean_loss"] == 0)
  }
}
