import Engine
import Synchronization
import TestSupport
import Testing

private let a = Tensor([[1, 2], [3, 4], [5, 6]], dtype: .float32)
private let b = Tensor([[0.5], [1], [1.5]], dtype: .float32)

/// What a loss or metric was given.
private final class Seen: Sendable {
  let values = Mutex<[String: String]>([:])
  subscript(name: String) -> String? { values.withLock { $0[name] } }
}

/// Asks for everything in the table.
private struct Curious: Loss {
  struct Inputs: Decodable {
    let x, yTrue, yPred: Tensor
    let sampleWeight: Tensor?
    let classWeight: [String: Double]?
    let training, isTraining: Bool
    let parameters, params, states, state: [String: Tensor]
  }
  let seen: Seen
  func call(_ i: Inputs) -> Tensor {
    seen.values.withLock {
      $0 = [
        "x": "\(i.x.shape)", "yTrue": "\(i.yTrue.shape)", "yPred": "\(i.yPred.shape)",
        "sampleWeight": i.sampleWeight.map { "\($0.shape)" } ?? "nil",
        "classWeight": i.classWeight.map { "\($0.sorted { $0.key < $1.key })" } ?? "nil",
        "training": "\(i.training) \(i.isTraining)",
        "parameters": i.parameters.keys.sorted().joined(separator: " "),
        "params": i.params.keys.sorted().joined(separator: " "),
        "states": i.states.keys.sorted().joined(separator: " "),
        "state": i.state.keys.sorted().joined(separator: " "),
      ]
    }
    return mean(square(i.yTrue - i.yPred), axis: -1)
  }
}

private final class CuriousMetric: AnyMetric, MetricProtocol {
  struct Inputs: Decodable {
    let x, yTrue, yPred: Tensor
    let sampleWeight: Tensor?
    let training: Bool
    let parameters, states: [String: Tensor]
  }
  func update(_ i: Inputs) {
    let weights = i.sampleWeight.map { sum($0) } ?? Tensor(-1.0)
    state("weights").value = weights
    state("parts").value = Tensor(Double(i.parameters.count * 10 + i.states.count))
  }
  func result() -> [String: Tensor] {
    ["weights": state("weights").value, "parts": state("parts").value]
  }
}

private struct Pair: Codable { let m, n: Tensor }

private final class TakesTwo: Module {
  func call(_ i: Pair) -> Tensor { Linear(1)(concatenate([i.m, i.n], axis: -1)) }
}

private final class TakesAll: Module {
  func call(_ i: [String: Tensor]) -> Tensor {
    Linear(1)(concatenate(i.sorted { $0.key < $1.key }.map(\.value), axis: -1))
  }
}

private final class TwoOutputs: Module {
  struct Outputs: Codable {
    struct Heads: Codable { let left, right: Tensor }
    let heads: Heads
    let total: Tensor
  }
  func call(_ x: Tensor) -> Outputs {
    let left = Linear(1, name: "left")(x)
    let right = Linear(1, name: "right")(x)
    return Outputs(heads: .init(left: left, right: right), total: left + right)
  }
}

/// One loss over several outputs and labels, typed.
private struct Joint: Loss {
  struct Inputs: Decodable {
    struct Labels: Decodable {
      let left, right: Tensor
      let extra: Tensor?
    }
    let yTrue: Labels
    let yPred: TwoOutputs.Outputs
  }
  func call(_ i: Inputs) -> [String: Tensor] {
    [
      "left": square(i.yTrue.left - i.yPred.heads.left),
      "right": square(i.yTrue.right - i.yPred.heads.right),
      "both": square(i.yTrue.left + i.yTrue.right - i.yPred.total),
    ]
  }
}

private struct One: Loss {
  struct Inputs: Decodable { let yPred: Tensor }
  let options: LossOptions
  init(name: String = "one", weight: Double = 1) {
    options = LossOptions(weight: weight, name: name)
  }
  func call(_ i: Inputs) -> Tensor { 0 * sum(i.yPred, axis: -1) + 3 }
}

@Suite("Injection by name in fit")
struct InjectionInFitTests {
  private func train(
    _ module: AnyModule, _ losses: LossTree, metrics: MetricTree = [],
    weightedMetrics: MetricTree = [], x: some Encodable, y: some Encodable = Structure.none,
    sampleWeight: Tensor? = nil, classWeight: [Int: Double]? = nil
  ) throws -> History {
    try Model(
      module: module, losses: losses, metrics: metrics, weightedMetrics: weightedMetrics,
      optimizer: SGD(learningRate: 0)
    ).fit(
      x: x, y: y, verbose: .silent, shuffle: false, classWeight: classWeight,
      sampleWeight: sampleWeight)
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try withErrors(body) } catch { return "\(error)" }
    return "no error"
  }

  @Test("A loss gets every name of the table, older ones too")
  func everyName() throws {
    let seen = Seen()
    let module = Sequential(BatchNormalization(), Linear(1))
    try module.initialize(a)
    module.layers[1].freeze()
    _ = try train(
      module, LossTree(Curious(seen: seen)), x: a, y: Tensor([[0], [1], [1]], dtype: .float32),
      sampleWeight: Tensor([1, 2, 3], dtype: .float32), classWeight: [0: 1, 1: 0.5])
    #expect(seen["x"] == "[3, 2]" && seen["yTrue"] == "[3, 1]" && seen["yPred"] == "[3, 1]")
    #expect(seen["sampleWeight"] == "[3]")
    #expect(seen["classWeight"] == #"[(key: "0", value: 1.0), (key: "1", value: 0.5)]"#)
    #expect(seen["training"] == "true true")
    #expect(
      seen["parameters"] == "layers/0/beta layers/0/gamma" && seen["params"] == seen["parameters"])
    #expect(
      seen["states"]
        == "layers/0/moving_mean layers/0/moving_variance layers/1/bias layers/1/kernel")
    #expect(seen["state"] == seen["states"])
  }

  @Test("A metric gets them as well: sample weights where it asks for them by name")
  func metricNames() throws {
    let history = try train(
      Linear(1), [MeanSquaredError()], metrics: ["plain": CuriousMetric(name: "c")],
      weightedMetrics: [CuriousMetric(name: "w")], x: a, y: b,
      sampleWeight: Tensor([1, 2, 3], dtype: .float32))
    #expect(history["plain/c/weights"] == [6])
    #expect(history["w/weights"] == [6])
    #expect(history["plain/c/parts"] == [20])
  }

  @Test("A module takes a tensor, positions, names or everything")
  func modules() throws {
    let loss: LossTree = [MeanSquaredError()]
    _ = try train(Linear(1), loss, x: a, y: b)
    _ = try train(TakesTwo(), loss, x: [a, b], y: b)
    let named = ["m": a, "n": b, "o": a]
    _ = try train(TakesTwo(), loss, x: named, y: b)
    let all = TakesAll()
    _ = try train(all, loss, x: named, y: b)
    #expect((all.linear.kernel as Tensor).shape == [5, 1])
    #expect(
      message { _ = try train(TakesTwo(), loss, x: [a, b, a], y: b) }
        .contains("takes 2 inputs (m, n)"))
    #expect(
      message { _ = try train(TakesTwo(), loss, x: ["m": a, "q": b], y: b) }
        .contains("asks for \"n\""))
  }

  @Test("Typed structures: one loss over several outputs and labels, part by part in the logs")
  func structures() throws {
    struct Labels: Encodable { let left, right: Tensor }
    let history = try train(TwoOutputs(), [Joint()], x: a, y: Labels(left: b, right: 2 * b))
    #expect(
      history.history.keys.elementsEqual([
        "loss", "joint_loss/both", "joint_loss/left", "joint_loss/right",
      ]))
    let parts = ["both", "left", "right"].reduce(0) { $0 + history["joint_loss/\($1)"][0] }
    #expect(abs(history["loss"][0] - parts) < 1e-5)
  }

  @Test("on: takes a key, an index or a path, in losses and metrics")
  func on() throws {
    let module = try TwoOutputs().initialize(a)
    let outputs = module(a)
    let history = try train(
      module,
      [
        MeanAbsoluteError(on: ["heads", "left"], name: "l"),
        MeanAbsoluteError(on: ["heads", "right"], name: "r"),
      ],
      metrics: [Metrics.MeanAbsoluteError(on: ["heads", "right"])], x: a,
      y: ["heads": ["left": b, "right": 2 * b]])
    let right = mean(abs(2 * b - outputs.heads.right)).item()
    #expect(abs(history["l_loss"][0] - mean(abs(b - outputs.heads.left)).item()) < 1e-6)
    #expect(abs(history["r_loss"][0] - right) < 1e-6)
    #expect(abs(history["mean_absolute_error"][0] - right) < 1e-6)
    final class List: Module {
      func call(_ x: Tensor) -> [Tensor] { [x, 2 * x] }
    }
    let list = try Model(
      module: List(),
      losses: [MeanAbsoluteError(on: 0, name: "first"), MeanAbsoluteError(on: 1, name: "second")]
    ).evaluate(x: a, y: [a, a])
    #expect(list["first_loss"] == 0 && list["second_loss"] == 3.5)
    #expect(
      message { _ = try train(module, [MeanAbsoluteError(on: "nose")], x: a, y: b) }
        .contains("on:"))
  }

  @Test("Names of losses and metrics in lists, dictionaries and nested ones")
  func names() throws {
    let f = One()
    let m = { Accuracy(name: "m") }
    let history = try train(
      Linear(1),
      [
        "a": .named(["b": .list([f, f]), "c": f]),
        "plain": .list([MeanSquaredError(), MeanSquaredError()]),
      ],
      metrics: ["a": .named(["b": .list([m(), m()]), "c": m()]), "top": m()], x: a, y: b)
    for name in ["a_loss/b/one", "a_loss/b/one_1", "a_loss/c/one"] { #expect(history[name] == [3]) }
    for name in ["plain_loss/mean_squared_error", "plain_loss/mean_squared_error_1"] {
      #expect(history[name].count == 1)
    }
    for name in ["a/b/m", "a/b/m_1", "a/c/m", "top/m"] { #expect(history[name].count == 1) }
    let flat = try train(Linear(1), [MeanSquaredError(), MeanSquaredError(), f], x: a, y: b)
    #expect(flat["mean_squared_error_loss"] == flat["mean_squared_error_loss_1"])
    #expect(flat["one_loss"] == [3])
    let expected = 2 * flat["mean_squared_error_loss"][0] + 3
    #expect(abs(flat["loss"][0] - expected) < 1e-5)
    let weighted = try train(Linear(1), [One(weight: 2), One()], x: a)
    #expect(weighted["loss"] == [9] && weighted["one_loss"] == [6] && weighted["one_loss_1"] == [3])
  }

  @Test("Unknown names are found when the model is made, in nested ones too, with the nearest name")
  func unknown() {
    struct Wrong: Loss {
      struct Inputs: Decodable { let yTru: Tensor? }
      func call(_ i: Inputs) -> Tensor { i.yTru ?? Tensor(0.0) }
    }
    final class WrongMetric: AnyMetric, MetricProtocol {
      struct Inputs: Decodable { let preds: Tensor }
      func update(_ i: Inputs) {}
      func result() -> Tensor { Tensor(0.0) }
    }
    let loss = message { _ = Model(module: Linear(1), losses: ["a": .list([One(), Wrong()])]) }
    #expect(
      loss == """
        loss wrong asks for "yTru", which is not one of x, yTrue, yPred, sampleWeight, classWeight, training, \
        parameters, states, isTraining, params, state: did you mean "yTrue"?
        """)
    let metric = message {
      _ = Model(module: Linear(1), metrics: ["m": .list([WrongMetric()])])
    }
    #expect(metric.hasPrefix("metric wrong_metric asks for \"preds\""))
  }

  @Test("Functions by key path can ask for everything")
  func keyPaths() throws {
    let history = try train(
      Linear(1, useBias: false),
      [
        CustomLoss("fit", \.x, \.yPred) { (x: Tensor, y: Tensor) -> Tensor in
          mean(square(sum(x, axis: -1, keepDims: true) - y), axis: -1)
        },
        CustomLoss("size", \.parameters, reduction: .sum) { (p: [String: Tensor]) -> Tensor in
          p.values.map { sum(square($0)) }.reduce(Tensor(0.0), +)
        },
      ],
      metrics: [
        CustomMetric("training", \.training, \.yPred) { (t: Bool, y: Tensor) -> Tensor in
          0.0 * sum(y, axis: -1) + (t ? 1.0 : 0.0)
        }
      ],
      x: a, sampleWeight: Tensor([1, 1, 1], dtype: .float32))
    #expect(history["training"] == [1])
    #expect(history["size_loss"][0] > 0)
    let text = message {
      _ = try train(Linear(1), [CustomLoss("l", \.yTrue) { $0 }], x: a)
    }
    #expect(text == "loss l asks for yTrue, but fit was given no y")
  }

  @Test("Losses on parameters")
  func parameters() throws {
    let module = try Linear(2).initialize(a)
    module.setParameters(module.parameters().map { 0 * $0 + 0.5 })
    let history = try train(
      module, [One(), RegularizationLoss(L2(0.1)), RegularizationLoss(L1(0.01), weight: 2)], x: a,
      sampleWeight: Tensor([2, 2, 2], dtype: .float32))
    // Six numbers of 0.5 each.
    let (l1, l2, total) = (2 * 0.01 * 3, 0.1 * 1.5, 6 + 0.06 + 0.15)
    #expect(abs(history["l2_regularization_loss"][0] - l2) < 1e-6)
    #expect(abs(history["l1_regularization_loss"][0] - l1) < 1e-6)
    #expect(abs(history["loss"][0] - total) < 1e-5)
  }
}

@Suite("Weights always count")
struct WeightsInFitTests {
  /// Asks for nothing but labels and predictions.
  private struct Plain: Loss {
    struct Inputs: Decodable { let yTrue, yPred: Tensor }
    func call(_ i: Inputs) -> Tensor { mean(abs(i.yTrue - i.yPred), axis: -1) }
  }

  private final class PerStep: Module {
    func call(_ x: Tensor) -> Tensor { x * parameter("scale", shape: [], initializer: Ones()) }
  }

  private func model(_ loss: some Loss, _ module: AnyModule = PerStep()) -> Model {
    Model(
      module: module, loss: loss, metrics: [MeanValue(name: "plain")],
      weightedMetrics: [MeanValue(name: "weighted")], optimizer: SGD(learningRate: 1))
  }

  /// The mean of all predictions.
  private final class MeanValue: MeanMetric, MetricProtocol {
    func update(_ i: WeightedPredictions) { add(i.yPred, sampleWeight: i.sampleWeight) }
  }

  @Test("A loss that does not ask for sample weights is weighted, in value and gradient")
  func sampleWeight() throws {
    let x = Tensor([[2.0], [4.0]], dtype: .float32)
    let model = model(Plain())
    let history = try model.fit(
      x: x, y: Tensor.zeros([2, 1]), verbose: .silent,
      sampleWeight: Tensor([1, 0.5], dtype: .float32))
    // (1 * 2 + 0.5 * 4) / 2, and the same for the gradient by the scale.
    #expect(history["loss"] == [2])
    #expect(model.module.filter()["scale"]?.item() == -1)
    #expect(history["plain"] == [3])
    let weighted = (2 + 0.5 * 4) / 1.5
    #expect(abs(history["weighted"][0] - weighted) < 1e-6)
  }

  @Test("Class weights count, too")
  func classWeight() throws {
    let x = Tensor([[2.0], [4.0]], dtype: .float32)
    let history = try model(Plain()).fit(
      x: x, y: Tensor([[0.0], [1.0]], dtype: .float32), verbose: .silent,
      classWeight: [0: 3, 1: 0.5])
    let expected = (3.0 * 2 + 0.5 * 3) / 2
    #expect(history["loss"] == [expected])
  }

  @Test("One weight a sample applies to all of its steps")
  func perStep() throws {
    struct Steps: Loss {
      struct Inputs: Decodable { let yTrue, yPred: Tensor }
      func call(_ i: Inputs) -> Tensor { abs(i.yTrue - i.yPred) }
    }
    let x = Tensor([[1, 2, 3], [4, 5, 6]], dtype: .float32)
    let history = try model(Steps()).fit(
      x: x, y: Tensor.zeros([2, 3]), verbose: .silent,
      sampleWeight: Tensor([1, 0.1], dtype: .float32))
    let expected = (6 + 0.1 * 15) / 6
    #expect(abs(history["loss"][0] - expected) < 1e-6)
  }

  @Test("A loss that gives one number cannot be weighted from outside and says so")
  func scalar() throws {
    struct Reduced: Loss {
      struct Inputs: Decodable { let yTrue, yPred: Tensor }
      func call(_ i: Inputs) -> Tensor { mean(abs(i.yTrue - i.yPred)) }
    }
    struct Own: Loss {
      struct Inputs: Decodable { let yTrue, yPred: Tensor; let sampleWeight: Tensor? }
      func call(_ i: Inputs) -> Tensor {
        sum(abs(i.yTrue - i.yPred) * expandDims(i.sampleWeight ?? Tensor.ones([2]), axis: -1))
      }
    }
    let x = Tensor([[2.0], [4.0]], dtype: .float32)
    let weights = Tensor([1, 0.5], dtype: .float32)
    var text = ""
    do {
      try model(Reduced()).fit(
        x: x, y: Tensor.zeros([2, 1]), verbose: .silent, sampleWeight: weights)
    } catch { text = "\(error)" }
    #expect(
      text.contains(
        "loss reduced: there are sample or class weights, but the loss gives one number"))
    let history = try model(Own()).fit(
      x: x, y: Tensor.zeros([2, 1]), verbose: .silent, sampleWeight: weights)
    #expect(history["loss"] == [4])
  }
}
