import Engine
import TestSupport
import Testing

/// Two inputs, a shared layer, a residual connection.
private func siamese(_ hidden: Int = 4) -> Functional {
  let (a, b) = (Input(shape: [3], name: "a"), Input(shape: [3], name: "b"))
  let shared = Dense(hidden, activation: .tanh, name: "shared")
  let (left, right) = (shared(a), shared(b))
  let merged = concatenate([left, right, left + right], axis: -1)
  let hiddenLayer = relu(Dense(6)(merged))
  return Functional(inputs: [a, b], outputs: Dense(2)(hiddenLayer) + Dense(2)(merged))
}

@Suite("Functional models", .seeded)
struct FunctionalTests {
  @Test("Layers are named, ordered as in Keras, and children under their names")
  func names() {
    let model = siamese()
    #expect(
      model.children.map(\.name) == [
        "a", "b", "shared", "add", "concatenate", "dense", "relu", "dense_1", "dense_2", "add_1",
      ])
    #expect(
      model.namedVariables.map(\.path) == [
        "shared/kernel", "shared/bias", "dense/kernel", "dense/bias", "dense_1/kernel",
        "dense_1/bias", "dense_2/kernel", "dense_2/bias",
      ])
    #expect(model.layers.count == 10 && model.layer("shared") == model.shared)
    #expect(model.inputNames == ["a", "b"])
    #expect(model.outputs.map(\.shape) == [[nil, 2]])
    expectError("there is no layer \"shred\" in functional (Functional)") {
      _ = model.layer("shred")
    }
  }

  @Test("Calls give what the layers give, eagerly and compiled, and shared gradients add up")
  func calls() throws {
    let model = siamese()
    var generator = SeededGenerator(seed: 3)
    let (a, b) = (generator.uniform([5, 3]), generator.uniform([5, 3]))
    func byHand() throws -> Tensor {
      func dense(_ name: String, _ x: Tensor) -> Tensor {
        matmul(x, model.layer(name).kernel) + (model.layer(name).bias as Tensor)
      }
      let (left, right) = (tanh(dense("shared", a)), tanh(dense("shared", b)))
      let merged = concatenate([left, right, left + right], axis: 1)
      return dense("dense_1", relu(dense("dense", merged))) + dense("dense_2", merged)
    }
    expectClose(model([a, b]), try byHand())
    let compiled = jit { (x: [Tensor]) -> Tensor in model(x) }
    expectClose(try compiled([a, b]), try byHand())
    let (_, gradients) = try valueAndGrad(of: model) { sum(square(model([a, b]))) }
    let (_, expected) = try valueAndGrad(of: model) { sum(square(try byHand())) }
    for (gradient, value) in zip(gradients.values, expected.values) { expectClose(gradient, value) }
  }

  @Test("Data as a list or by name, other names ignored, other types converted")
  func inputForms() {
    let model = siamese()
    let (a, b) = (Tensor.ones([2, 3]), Tensor.full([2, 3], 2))
    let expected: Tensor = model([a, b])
    let named = model(["b": .tensor(b), "rest": .tensor(a), "a": .tensor(a)] as Structure)
    expectClose(named.tensors[0], expected, atol: 0, rtol: 0)
    let converted: Tensor = model([a.cast(to: .int32), b.cast(to: .uint8)])
    expectClose(converted, expected, atol: 0, rtol: 0)
    let (p, q) = (Input(shape: [3]), Input(shape: []))
    let byKey = Functional(inputs: ["p": p, "q": q], outputs: ["r": p * 2, "s": q + 1])
    let output = byKey(["q": .tensor(.ones([2, 1])), "p": .tensor(a)] as Structure)
    #expect(output.form == "{\"r\": tensor, \"s\": tensor}")
    expectClose(output.tensors[1], [2, 2])
  }

  @Test("Wrong data is an error that names the input")
  func inputErrors() {
    let model = siamese()
    let x = Tensor.ones([2, 3])
    expectError("the input \"b\" takes [nil, 3], got [2, 4]") {
      _ = model([x, Tensor.ones([2, 4])]) as Tensor
    }
    expectError("the input \"a\" takes [nil, 3], got [3]") {
      _ = model([Tensor.ones([3]), x]) as Tensor
    }
    expectError("takes 2 inputs (a, b) but got a list of 3") { _ = model([x, x, x]) as Tensor }
    expectError("takes 2 inputs (a, b) but got a tensor") { _ = model(x) }
    expectError("the input \"b\" is missing: got a dictionary with keys a, c") {
      _ = model(["a": .tensor(x), "c": .tensor(x)] as Structure)
    }
  }

  @Test("Graphs that cannot be models")
  func graphErrors() {
    let (x, y) = (Input(shape: [3], name: "x"), Input(shape: [3], name: "y"))
    let sum = x + y
    expectError(
      "Graph disconnected: cannot obtain value for tensor y: [nil, 3] at layer \"add\". "
        + "The following previous layers were accessed without issue: [\"x\"]"
    ) { _ = Functional(inputs: x, outputs: sum) }
    expectError("the tensor of layer \"x\" several times") {
      _ = Functional(inputs: [x, x], outputs: x + 1)
    }
    expectError(
      "The name \"q\" is used 2 times in the model. All layers should have unique names."
    ) { _ = Functional(inputs: x, outputs: Dense(2, name: "q")(Dense(2, name: "q")(x))) }
  }

  @Test("A model from a part of another: one set of weights, layers keep their names")
  func parts() {
    let model = siamese()
    let x = Tensor.full([2, 3], 0.5)
    let before: Tensor = model([x, x])
    let features = Functional(inputs: model.inputs, outputs: model.layer("dense_2").output)
    #expect(
      features.children.map(\.name) == ["a", "b", "shared", "add", "concatenate", "dense_2"])
    #expect(features.layer("dense_2") == model.layer("dense_2"))
    let head = Dense(3)(features.output)
    let transfer = Functional(inputs: features.inputs, outputs: head)
    #expect(transfer.children.map(\.name).suffix(2) == ["dense_2", "dense"])
    // From the middle of the graph.
    let end = Functional(inputs: model.layer("concatenate").output, outputs: model.output)
    #expect(end.children.map(\.name).first == "input_layer")
    let middle = Functional(inputs: model.inputs, outputs: model.layer("concatenate").output)
    expectClose(end(middle([x, x]) as Tensor), before, atol: 0, rtol: 0)
    // A change of the weights shows in all of them.
    let bias = model.layer("dense_2").variables[1]
    bias.value = bias.value + 1
    expectClose(model([x, x]) as Tensor, before + 1)
    expectClose(end(middle([x, x]) as Tensor), before + 1)
  }

  @Test("Models and other modules are layers of models")
  func nested() {
    let x = Input(shape: [3], name: "x")
    let inner = Functional(inputs: x, outputs: Dense(4)(Dropout(0.5)(x)), name: "inner")
    let y = Input(shape: [3], name: "y")
    let outer = Functional(
      inputs: y, outputs: Sequential(Dense(5), Dense(2))(inner(y) + inner(y * 2)))
    #expect(
      outer.namedVariables.map(\.path) == [
        "inner/dense/kernel", "inner/dense/bias", "sequential/layers/0/kernel",
        "sequential/layers/0/bias", "sequential/layers/1/kernel", "sequential/layers/1/bias",
      ])
    #expect(outer.layers.map { $0.inboundNodes.count } == [1, 1, 2, 1, 1])
    // The inner layers were called once, when the inner model was made.
    #expect(inner.layer("dense").inboundNodes.count == 1)
    outer.eval()
    inner.eval()
    let data = Tensor.full([2, 3], 0.3)
    let both = inner(data) + inner(data * 2)
    expectClose(
      outer(data), (outer.layer("sequential") as? Sequential)?(both) ?? Tensor(0), atol: 0)
    #expect(outer.variables(.randomKey).isEmpty)
    outer.train()
    _ = outer(data)
    #expect(outer.namedVariables.first?.path == "random_key")
  }

  @Test("Initial values depend on seed and path, not on when the graph was made")
  func initialValues() {
    let (one, two, other) = (siamese(), siamese(), siamese())
    (one.seed, two.seed, other.seed) = (5, 5, 7)
    let x = Tensor.ones([1, 3])
    expectClose(one([x, x]) as Tensor, two([x, x]) as Tensor, atol: 0, rtol: 0)
    #expect((one([x, x]) as Tensor).scalars(as: Float.self) != other([x, x]).scalars())
    // Layers of one shape differ.
    let z = Input(shape: [3])
    let twins = Functional(inputs: z, outputs: [Dense(3)(z), Dense(3)(z)])
    let outputs: Structure = twins([x])
    #expect(outputs.tensors[0].scalars(as: Float.self) != outputs.tensors[1].scalars())
  }

  @Test("Masks reach the layers after the one that announces them, in nested models too")
  func masks() {
    let ids = Tensor([[3, 1, 0, 0], [2, 2, 1, 0]])
    let embedding = Embedding(inputs: 4, outputs: 3, maskZero: true)
    let (first, second) = (GRU(5, returnSequences: true), LSTM(2))
    let z = Input(shape: [nil, 5])
    let inner = Functional(inputs: z, outputs: second(Dense(3)(z)))
    let x = Input(shape: [nil], dtype: .int32)
    let model = Functional(inputs: x, outputs: inner(first(Dropout(0.5)(embedding(x)))))
    #expect(model.outputs[0].shape == [nil, 2])
    model.eval()
    let mask = embedding.mask(of: ids)
    let dense = inner.layer("dense") as? Linear
    let sequence: Tensor = first(embedding(ids), mask: mask)
    let expected: Tensor = second(dense?(sequence) ?? Tensor(0), mask: mask)
    expectClose(model(ids), expected, atol: 0, rtol: 0)
    // An operator is no layer that keeps masks, as in Keras.
    let without = Functional(inputs: x, outputs: second(Dense(3)(first(embedding(x)) * 1)))
    without.eval()
    let unmasked: Tensor = second((without.layer("dense") as? Linear)?(sequence) ?? Tensor(0))
    expectClose(without(ids), unmasked, atol: 0, rtol: 0)
  }

  @Test("A graph made in a module's initializer or call keeps its weights from call to call")
  func insideModules() throws {
    final class Holder: Module {
      let net: Functional
      init() {
        let x = KerasTensor(shape: [3])
        net = Functional(inputs: x, outputs: Dense(2)(x))
        super.init(name: nil)
      }
      func call(_ x: Tensor) -> Tensor { net(x) }
    }
    final class Outer: Module {
      func call(_ x: Tensor) -> Tensor {
        let z = KerasTensor(shape: [2])
        let inner = Functional(inputs: z, outputs: Dense(2)(z), name: "inner")
        return inner(Holder()(x))
      }
    }
    let outer = Outer()
    let x = Tensor.ones([1, 3])
    let first = outer(x)
    #expect(
      outer.namedVariables.map(\.path) == [
        "inner/dense/kernel", "inner/dense/bias", "holder/net/dense/kernel",
        "holder/net/dense/bias",
      ])
    let bias = outer.variables[1]
    bias.value = bias.value + 1
    expectClose(outer(x), first + 1)
    #expect(outer.variables.count == 4)
  }

  @Test("A copy has the same weights and modes in variables of its own")
  func copies() throws {
    let model = siamese()
    model.seed = 9
    model.layer("shared").freeze()
    let x = Tensor.full([2, 3], 0.5)
    let expected: Tensor = model([x, x])
    let copy = model.copy { siamese() }
    expectClose(copy([x, x]) as Tensor, expected, atol: 0, rtol: 0)
    #expect(copy.trainableVariables.count == 6)
    copy.variables[0].value = copy.variables[0].value * 2
    expectClose(model([x, x]) as Tensor, expected, atol: 0, rtol: 0)
  }
}
