import Engine
import TestSupport
import Testing

/// Layers in properties.
private final class Subclassed: Module {
  let hidden = Dense(5, activation: .tanh)
  let normalization = BatchNormalization()
  let logits = Dense(3)

  func call(_ x: Tensor) -> Tensor { logits(normalization(hidden(x))) }
}

/// Layers made in `call`.
private final class Hooks: Module {
  func call(_ x: Tensor) -> Tensor {
    let hidden = Dense(5, activation: .tanh, name: "hidden")(x)
    return Dense(3, name: "logits")(BatchNormalization(name: "normalization")(hidden))
  }
}

private func functional() -> Functional {
  let x = Input(shape: [4], name: "x")
  let hidden = Dense(5, activation: .tanh, name: "hidden")(x)
  let normal = BatchNormalization(name: "normalization")(hidden)
  return Functional(inputs: x, outputs: Dense(3, name: "logits")(normal))
}

@Suite("Functional models in training", .seeded)
struct FunctionalTrainingTests {
  private let x: Tensor
  private let labels: Tensor

  init() {
    var generator = SeededGenerator(seed: 11)
    x = generator.uniform([20, 4]).cast(to: .float32)
    labels = argmax(x, axis: 1) % 3
  }

  @Test(
    "A graph, a subclass and hooks train to the same numbers", arguments: [false, true])
  func threeStyles(eagerly: Bool) throws {
    var found: [(history: [Double], weights: [String: Tensor], logs: Logs, predictions: Tensor)] =
      []
    for module in [functional(), Subclassed(), Hooks()] as [AnyModule] {
      let model = Model(
        module: module, loss: SparseCategoricalCrossentropy(fromLogits: true),
        metrics: [SparseCategoricalAccuracy()], optimizer: Adam(learningRate: 0.05),
        runEagerly: eagerly)
      let history = try model.fit(
        x: x, y: labels, batchSize: 8, epochs: 3, verbose: .silent)
      found.append(
        (
          history["loss"],
          Dictionary(
            uniqueKeysWithValues: module.namedVariables.map { ($0.path, $0.variable.value) }),
          try model.evaluate(x: x, y: labels), try model.predict(x: x)
        ))
    }
    #expect(found[0].history.count == 3 && found[0].weights.count == 8)
    for other in found.dropFirst() {
      expectClose(other.history, found[0].history, atol: 0, rtol: 0)
      expectClose(other.predictions, found[0].predictions, atol: 0, rtol: 0)
      #expect(other.logs == found[0].logs)
      for (path, value) in found[0].weights {
        expectClose(try #require(other.weights[path]), value, atol: 0, rtol: 0, path)
      }
    }
  }

  @Test("Weights go to a file and back, before the first batch as well")
  func weights() throws {
    func model() -> Model {
      Model(
        module: functional(), loss: SparseCategoricalCrossentropy(fromLogits: true),
        optimizer: SGD(learningRate: 0.1))
    }
    let (trained, fresh) = (model(), model())
    try trained.fit(x: x, y: labels, verbose: .silent)
    let path = TemporaryFolder.path("functional.safetensors")
    try trained.saveWeights(to: path)
    try fresh.loadWeights(from: path)
    #expect(fresh.weightsSHA256 == trained.weightsSHA256)
    let (a, b): (Tensor, Tensor) = (try trained.predict(x: x), try fresh.predict(x: x))
    expectClose(a, b, atol: 0, rtol: 0)
  }

  /// A number and a class from two inputs.
  private func twoHeads(asList: Bool, eagerly: Bool = false) -> Model {
    let (a, b) = (Input(shape: [4], name: "a"), Input(shape: [4], name: "b"))
    let shared = Dense(6, activation: .relu, name: "shared")
    let merged = shared(a) * shared(b)
    let size = Dense(1, name: "size_head")(merged)
    let kind = softmax(Dense(3, name: "kind_head")(merged))
    let (sizeLoss, kindLoss): (StructurePath, StructurePath) = asList ? (0, 1) : ("size", "kind")
    let losses: LossTree = [
      MeanSquaredError(on: sizeLoss), SparseCategoricalCrossentropy(weight: 0.5, on: kindLoss),
    ]
    if asList {
      return Model(
        inputs: [a, b], outputs: [size, kind], losses: losses, optimizer: SGD(learningRate: 0.1),
        runEagerly: eagerly)
    }
    return Model(
      inputs: [a, b], outputs: ["size": size, "kind": kind], losses: losses,
      optimizer: SGD(learningRate: 0.1), runEagerly: eagerly)
  }

  @Test("Several inputs and outputs with a loss each")
  func severalOutputs() throws {
    let size = mean(x, axis: 1, keepDims: true)
    let list = twoHeads(asList: true)
    let named = twoHeads(asList: false)
    let eager = twoHeads(asList: false, eagerly: true)
    let one = try list.fit(
      x: [x, x * 2], y: [size, labels], epochs: 4, verbose: .silent, shuffle: false)
    let two = try named.fit(
      x: ["b": x * 2, "a": x, "unused": x], y: ["kind": labels, "size": size], epochs: 4,
      verbose: .silent, shuffle: false)
    let three = try eager.fit(
      x: ["b": x * 2, "a": x], y: ["kind": labels, "size": size], epochs: 4, verbose: .silent,
      shuffle: false)
    let losses = one["loss"]
    #expect(losses[3] < losses[0])
    for history in [two, three] { expectClose(history["loss"], losses) }
    let parts = zip(
      one["mean_squared_error_loss"], one["sparse_categorical_crossentropy_loss"])
    expectClose(parts.map { $0 + $1 }, losses)
    let predictions: [String: Tensor] = try named.predict(x: ["a": x, "b": x * 2])
    #expect(predictions["size"]?.shape == [20, 1] && predictions["kind"]?.shape == [20, 3])
    let pair: [Tensor] = try list.predict(x: [x, x * 2])
    expectClose(pair[1], try #require(predictions["kind"]))
  }

  @Test("Data that does not fit names the input")
  func errors() throws {
    let model = twoHeads(asList: false)
    expectError("the input \"b\" is missing") {
      let _: [String: Tensor] = try model.predict(x: ["a": x])
    }
    expectError("the input \"a\" takes [nil, 4], got [20, 2]") {
      let _: [String: Tensor] = try model.predict(x: ["a": x[.all, 0..<2], "b": x])
    }
  }
}
