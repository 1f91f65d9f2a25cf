import Engine
import TestSupport
import Testing

@Suite("Symbolic tensors and the calls that made them", .seeded)
struct KerasTensorTests {
  /// The example of Keras's guide to KerasTensor, Node and Layer, line by line.
  @Test("The example of the guide")
  func guide() {
    let a = Input(shape: [32], name: "input_a")
    let b = Input(shape: [32], name: "input_b")

    let (aLayer, aNodeIndex, aTensorIndex) = a.history
    #expect(aLayer.inboundNodes.count == 1)
    #expect(aTensorIndex == 0)

    let node = aLayer.inboundNodes[aNodeIndex]
    #expect(node.outboundLayer == aLayer)

    let dense = Dense(16, name: "dense_1")
    let a2 = dense(a)
    let b2 = dense(b)

    #expect(dense.inboundNodes.count == 2)
    #expect(dense.outboundNodes.count == 0)

    // The node of tensor a.
    #expect(dense.inboundNodes[0].inboundLayers == [aLayer])
    #expect(dense.inboundNodes[0].outboundLayer == dense)
    #expect(dense.inboundNodes[0].inputTensors == [a])

    // The node of tensor b.
    #expect(dense.inboundNodes[1].inboundLayers == [b.history.layer])
    #expect(dense.inboundNodes[1].outboundLayer == dense)
    #expect(dense.inboundNodes[1].inputTensors == [b])

    // And the second half of it: the results, and the shape with the batch.
    #expect(a2.history.nodeIndex == 0 && b2.history.nodeIndex == 1)
    #expect(dense.inboundNodes[0].outputTensors == [a2] && a2 != b2)
    #expect(aLayer.outboundNodes.map(\.outboundLayer) == [dense])
    #expect(node.inboundLayers.isEmpty && node.inputTensors == [a] && node.isInput)
    #expect(Input(shape: [3, 2, 4]).shape == [nil, 3, 2, 4])
  }

  @Test("Inputs: batch size, type, open axes, name")
  func inputs() {
    let x = Input(shape: [nil, 8], batchSize: 4, dtype: .int32, name: "tokens")
    #expect(x.shape == [4, nil, 8] && x.dtype == .int32 && x.name == "tokens" && x.rank == 3)
    #expect("\(x)" == "int32 [4, nil, 8] of layer \"tokens\"")
    #expect(Input(shape: []).shape == [nil])
    expectError("a length is -1") { _ = Input(shape: [-1]) }
  }

  @Test("A call makes the layer's variables and computes nothing")
  func build() {
    let dense = Dense(16)
    let y = dense(Input(shape: [nil, 32]))
    #expect(y.shape == [nil, nil, 16] && y.dtype == .float32)
    #expect(dense.namedVariables.map(\.variable.shape) == [[32, 16], [16]])
    let random = Dropout(0.5)
    #expect(random(y).shape == [nil, nil, 16])
    #expect(random.variables.isEmpty)
    #expect(Dense(2)(Input(shape: [3], dtype: .float64)).dtype == .float64)
  }

  @Test("Which axes of results are open")
  func shapes() {
    let image = Input(shape: [nil, nil, 3])
    let convolved = Conv2D(8, kernelSize: 5, strides: 2)(image)
    #expect(convolved.shape == [nil, nil, nil, 8])
    #expect(GlobalAveragePooling2D()(convolved).shape == [nil, 8])
    #expect(Flatten()(Input(shape: [4, 5])).shape == [nil, 20])
    #expect(Reshape([2, -1])(Input(shape: [6])).shape == [nil, 2, 3])
    // A product of an open batch and an axis, and lengths that primes do not fit.
    #expect(reshape(Input(shape: [nil, 4]), [-1, 4]).shape == [nil, 4])
    #expect(reshape(Input(shape: [nil]), [-1, 2]).shape == [nil, 2])
    let (q, k) = (Input(shape: [nil, 8]), Input(shape: [nil, 8]))
    let scores = softmax(matmul(q, transpose(k, [0, 2, 1])))
    #expect(matmul(scores, k).shape == [nil, nil, 8])
    #expect(Input(shape: [3], batchSize: 2)[0].shape == [3])
  }

  @Test("Operators and functions are layers")
  func operations() throws {
    let (a, b) = (Input(shape: [4], name: "a"), Input(shape: [4], name: "b"))
    let results =
      [
        a + b, a - b, a * b, a / b, -a, a * 2, 2 / a, 1 - a, a + 1, relu(a), tanh(a), sigmoid(a),
        softmax(a), exp(a), log(a), sqrt(a), square(a), abs(a), maximum(a, b), minimum(a, b),
        concatenate([a, b], axis: 1), reshape(a, [-1, 2, 2]), flatten(a), transpose(a),
        a[.all, 1..<3],
        mean(a, axis: -1), sum(a, axis: 1, keepDims: true), max(a, axis: 1), min(a, axis: -1),
        stack([a, b], axis: -1), matmul(a, transpose(b)), expandDims(a, axis: 1),
        squeeze(expandDims(a, axis: 1), axis: 1), a.map("cube") { $0 * $0 * $0 },
        KerasTensor.apply("distance", [a, b]) { sum(square($0[0] - $0[1]), axis: -1) },
      ] + split(a, into: 2, axis: -1)
    let (x, y) = (
      Tensor([1.0, 2, 3, 4, 5, 6, 7, 8], shape: [2, 4]),
      Tensor([2.0, 1, 2, 4, 3, 9, 1, 1], shape: [2, 4])
    )
    let expected = [
      x + y, x - y, x * y, x / y, -x, x * 2, 2 / x, 1 - x, x + 1, relu(x), tanh(x), sigmoid(x),
      softmax(x), exp(x), log(x), sqrt(x), square(x), abs(x), maximum(x, y), minimum(x, y),
      concatenate([x, y], axis: 1), reshape(x, [-1, 2, 2]), x, transpose(x), x[.all, 1..<3],
      mean(x, axis: -1), sum(x, axis: 1, keepDims: true), max(x, axis: 1), min(x, axis: -1),
      stack([x, y], axis: -1), matmul(x, transpose(y)), expandDims(x, axis: 1), x, x * x * x,
      sum(square(x - y), axis: -1), x[.all, 0..<2], x[.all, 2..<4],
    ]
    let model = Functional(inputs: [a, b], outputs: results)
    let outputs: Structure = model([x, y])
    #expect(outputs.tensorCount == expected.count)
    for ((symbol, output), value) in zip(zip(results, outputs.tensors), expected) {
      expectClose(output, value, atol: 0, rtol: 0, symbol.name)
      #expect(symbol.shape.count == value.rank, "\(symbol)")
      for (length, real) in zip(symbol.shape, value.shape) {
        #expect(length == nil || length == real, "\(symbol)")
      }
    }
    #expect(results[0].name == "add" && results[5].name == "multiply_1")
  }

  @Test("The default axis of a function is that of the function on tensors: the first, as in NumPy")
  func defaultAxes() {
    let (a, b) = (Input(shape: [3], batchSize: 2), Input(shape: [3], batchSize: 2))
    let x = Tensor([[1.0, 2, 3], [4, 5, 6]])
    let model = Functional(
      inputs: [a, b], outputs: [concatenate([a, b]), stack([a, b])] + split(a, into: 2))
    let outputs: Structure = model([x, -x])
    let expected = [concatenate([x, -x]), stack([x, -x])] + split(x, into: 2)
    #expect(expected.map(\.shape) == [[4, 3], [2, 2, 3], [1, 3], [1, 3]])
    for (output, value) in zip(outputs.tensors, expected) {
      expectClose(output, value, atol: 0, rtol: 0)
    }
  }

  @Test("Layers that take and give several tensors")
  func structures() throws {
    final class Pair: Module {
      func call(_ x: [Tensor]) -> [Tensor] { [x[0] + x[1], x[0] - x[1]] }
    }
    final class Named: Module {
      func call(_ x: [String: Tensor]) -> [String: Tensor] {
        ["sum": (x["p"] ?? Tensor(0)) + (x["q"] ?? Tensor(0))]
      }
    }
    struct Query: Codable {
      var values: Tensor
      var mask: Tensor?
    }
    final class Masked: Module {
      func call(_ x: Query) -> Query { Query(values: x.values * 2, mask: nil) }
    }
    let (a, b) = (Input(shape: [2]), Input(shape: [2]))
    let pair = Pair()([a, b])
    #expect(pair.count == 2 && pair[1].history.tensorIndex == 1)
    let named = Named()(["p": pair[0], "q": pair[1]])
    let total = try #require(named["sum"])
    let masked: KerasStructure = Masked()(["values": total])
    let last = try #require(masked["values"].tensor)
    let model = Functional(inputs: [a, b], outputs: last)
    expectClose(model([Tensor([[1.0, 2]]), Tensor([[3.0, 5]])]) as Tensor, [4, 8])
    #expect(last.shape == [nil, 2])
    expectError("there is no name \"masks\"") { _ = masked["masks"] }
    expectError("there is no position 0") { _ = masked[0] }
  }

  @Test("Nothing keeps itself alive")
  func lifetimes() {
    weak var layer: Linear?
    weak var node: KerasNode?
    let a = Input(shape: [4])
    do {
      let dense = Dense(4)
      // A layer that is called on what it gave.
      let y = dense(dense(a))
      layer = dense
      node = dense.inboundNodes.last
      #expect(dense.outboundNodes.count == 1 && a.history.layer.outboundNodes.count == 1)
      let model = Functional(inputs: a, outputs: y)
      #expect(model.layers.count == 2)
    }
    #expect(layer == nil && node == nil)
    #expect(a.history.layer.outboundNodes.isEmpty && a.history.layer.inboundNodes.count == 1)
  }

  @Test("What was called, and with what")
  func accessors() {
    let dense = Dense(2, name: "head")
    expectError("head (Dense) has never been called and thus has no output") {
      _ = dense.output
    }
    let (a, b) = (Input(shape: [4]), Input(shape: [4]))
    let (y, z) = (dense(a), dense(b))
    #expect(dense.output == y && dense.output(at: 1) == z)
    #expect(dense.input == a && dense.input(at: 1) == b)
    expectError("has only 2 inbound nodes") { _ = dense.output(at: 2) }
    let both = y + z
    expectError("has 2 input tensors") { _ = both.history.layer.input }
  }

  @Test("Errors name the layer and the shapes")
  func errors() {
    let x = Input(shape: [3], name: "x")
    let texts = [
      errorText { _ = Conv2D(4, kernelSize: 3, name: "c")(x) },
      errorText {
        let dense = Dense(2, name: "d")
        _ = [dense(x), dense(Input(shape: [4]))]
      },
      errorText { _ = x + Input(shape: [4]) },
    ]
    let parts = [
      ["c (Conv2D): expected", "got [nil, 3]"], ["d (Dense): ", "kernel", "[nil, 4]"],
      ["add (Add): ", "[nil, 3]", "[nil, 4]"],
    ]
    for (text, parts) in zip(texts, parts) {
      for part in parts { #expect(text.contains(part), "\(text)") }
    }
    let open = Dense(2, name: "open")
    expectError("open (Dense): the shape of a variable depends on an open length") {
      _ = open(Input(shape: [nil]))
    }
    #expect(open(x).shape == [nil, 2])
    expectError("gives 2 tensors, not 1") {
      let inner = Functional(inputs: x, outputs: [x + 1, x + 2], name: "two")
      let y: KerasTensor = inner(x)
      _ = y
    }
  }
}

/// The text of the error that `body` fails with; empty without one.
func errorText(_ body: () throws -> Void) -> String {
  do {
    try withErrors { try body() }
    return ""
  } catch {
    return "\(error)"
  }
}
