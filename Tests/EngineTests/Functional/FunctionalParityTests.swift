import Engine
import TestSupport
import Testing

/// The models of `Tests/Reference/fixtures/functional.py`.
private enum Reference {
  static func model(_ name: String, _ dtype: DType) throws -> Functional {
    switch name {
    case "siamese": siamese(dtype)
    case "recurrent": recurrent(dtype)
    case "nested": nested(dtype)
    default: throw EngineError.model(message: "no model \(name)")
    }
  }

  private static func siamese(_ dtype: DType) -> Functional {
    let a = Input(shape: [5], dtype: dtype, name: "a")
    let b = Input(shape: [5], dtype: dtype, name: "b")
    let shared = Dense(4, activation: .tanh, name: "shared")
    let (left, right) = (shared(a), shared(b))
    let merged = KerasTensor.apply("concatenate", [left, right], name: "merged") {
      concatenate($0, axis: 1)
    }
    let hidden = Dense(8, activation: .relu, name: "hidden")(merged)
    let residual = KerasTensor.apply("add", [merged, hidden], name: "residual") { $0[0] + $0[1] }
    let score = Dense(1, name: "score")(residual)
    let kind = Dense(3, activation: .softmax, name: "kind")(left * right + residual[.all, 0..<4])
    return Functional(inputs: [a, b], outputs: [score, kind], name: "siamese")
  }

  private static func recurrent(_ dtype: DType) -> Functional {
    let x = Input(shape: [4], dtype: dtype, name: "x")
    let step = Dense(4, activation: .tanh, name: "step")
    let y = (0..<3).reduce(x) { y, _ in step(y) + x }
    return Functional(inputs: x, outputs: y, name: "recurrent")
  }

  private static func nested(_ dtype: DType) -> Functional {
    let image = Input(shape: [6, 6, 2], dtype: dtype, name: "image")
    let features = Conv2D(3, kernelSize: 3, activation: .relu, name: "conv")(image)
    let pooled = GlobalAveragePooling2D(name: "pool")(BatchNormalization(name: "norm")(features))
    let encoder = Functional(inputs: image, outputs: pooled, name: "encoder")
    let first = Input(shape: [6, 6, 2], dtype: dtype, name: "first")
    let second = Input(shape: [6, 6, 2], dtype: dtype, name: "second")
    let codes: [KerasTensor] = [encoder(first), encoder(second)]
    let distance = KerasTensor.apply("subtract", codes, name: "distance") { $0[0] - $0[1] }
    let frozen = Dense(2, name: "frozen")
    let output = frozen(distance)
    frozen.freeze()
    return Functional(inputs: [first, second], outputs: output, name: "nested")
  }
}

@Suite("Functional models give what Keras's give", .seeded)
struct FunctionalParityTests {
  @Test(
    "Outputs, gradients, layers and counts",
    arguments: try Fixture.load("functional", from: .module).cases, [DType.float32, .float64])
  func parity(_ example: FixtureCase, _ dtype: DType) throws {
    let model = try Reference.model(example.name, dtype)
    let (atol, rtol) = dtype == .float64 ? (1e-8, 1e-7) : (1e-5, 1e-5)
    let weights = try example["weights"].elements()
    let variables = Dictionary(uniqueKeysWithValues: model.namedVariables.map { ($0, $1) })
    #expect(variables.count == weights.count)
    for weight in weights {
      let variable = try #require(variables[weight["name"].string()])
      variable.value = try weight["value"].tensor(dtype)
    }
    let inputs = try example["inputs"].elements()
    let outputs = try example["outputs"].elements()
    let cotangents = try outputs.map { try $0["cotangent"].tensor(dtype) }
    model.eval()
    func run(_ x: [Tensor]) -> [Tensor] {
      (model(x) as Structure).tensors
    }
    func value(_ x: [Tensor]) -> Tensor {
      zip(run(x), cotangents).map { sum($0 * $1) }.reduce(Tensor(0, dtype: dtype), +)
    }
    let x = try inputs.map { try $0["value"].tensor(dtype) }
    for (output, expected) in zip(run(x), outputs) {
      expectClose(output, try expected["value"].tensor(dtype), atol: atol, rtol: rtol)
    }
    let compiled = jit { (x: [Tensor]) -> [Tensor] in run(x) }
    for (output, expected) in zip(try compiled(x), outputs) {
      expectClose(output, try expected["value"].tensor(dtype), atol: atol, rtol: rtol)
    }
    for (gradient, input) in zip(try grad(value)(x), inputs) {
      expectClose(gradient, try input["gradient"].tensor(dtype), atol: atol, rtol: rtol)
    }
    let (_, gradients) = try valueAndGrad(of: model) { value(x) }
    let expected = weights.compactMap { $0.optional("gradient") }
    #expect(gradients.values.count == expected.count)
    for (gradient, expected) in zip(gradients.values, expected) {
      expectClose(gradient, try expected.tensor(dtype), atol: atol, rtol: rtol)
    }
  }

  @Test(
    "Layers in Keras's order, shapes and numbers of parameters",
    arguments: try Fixture.load("functional", from: .module).cases)
  func layers(_ example: FixtureCase) throws {
    let model = try Reference.model(example.name, .float32)
    let rows = try example["layers"].elements()
    let names = try rows.map { try $0["name"].string() }
    // Keras 3 does not count operators among the layers.
    let layers = model.children.filter { names.contains($0.name) }
    #expect(layers.map(\.name) == names)
    let lines = model.summary().split(separator: "\n")
    for (row, (name, layer)) in zip(rows, layers) {
      let count = try row["parameters"].int()
      #expect(layer.variables.reduce(0) { $0 + $1.shape.elementCount } == count)
      let shape = try row["shape"].elements().map { $0 == .null ? nil : try $0.int() }
      #expect(layer.inboundNodes[0].outputTensors[0].shape == shape)
      let line = lines.first { $0.contains("│ \(name) (") }
      #expect(line?.contains(" \(count) │") == true)
    }
    #expect(
      lines.contains { $0.hasPrefix("Total params: \((try? example["total"].int()) ?? -1) ") })
    let frozen = try example["non_trainable"].int()
    #expect(lines.last?.hasPrefix("Non-trainable params: \(frozen) ") == true)
  }
}
