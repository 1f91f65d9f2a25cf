import Engine
import Foundation
import TestSupport
import Testing

/// The snippets of `docs/modules.md` about functional models.
@Suite("docs/modules.md: functional models", .seeded)
struct FunctionalGuide {
  private let data = randomUniform([8, 4], key: RandomKey(seed: 1))

  @Test("Symbolic tensors and nodes")
  func nodes() {
    // snippet: nodes
    let a = Input(shape: [32], name: "input_a")
    let b = Input(shape: [32], name: "input_b")
    let (layer, nodeIndex, tensorIndex) = a.history
    assert(layer.inboundNodes[nodeIndex].outboundLayer == layer && tensorIndex == 0)

    let dense = Dense(16, name: "dense_1")
    let (a2, b2) = (dense(a), dense(b))  // shapes [nil, 16]: the length of the batch is open
    assert(dense.inboundNodes.count == 2 && dense.outboundNodes.isEmpty)
    assert(dense.inboundNodes[1].inboundLayers == [b.history.layer])
    assert(dense.inboundNodes[1].inputTensors == [b])
    assert(dense.output(at: 0) == a2 && dense.output(at: 1) == b2)
    // end
    #expect(layer.inboundNodes[nodeIndex].outboundLayer == layer && tensorIndex == 0)
    #expect(dense.inboundNodes.count == 2 && dense.outboundNodes.isEmpty)
    #expect(dense.inboundNodes[1].inboundLayers == [b.history.layer])
    #expect(dense.inboundNodes[1].inputTensors == [b])
    #expect(dense.output(at: 0) == a2 && dense.output(at: 1) == b2)
    #expect(a2.shape == [nil, 16])
  }

  @Test("A model of layers")
  func model() throws {
    // snippet: functional
    let (x, z) = (Input(shape: [4], name: "x"), Input(shape: [4], name: "z"))
    let shared = Dense(8, activation: .relu, name: "shared")
    let (left, right) = (shared(x), shared(z))
    let merged = left * right  // operators are layers
    let cubed = merged.map("cube") { $0 * $0 * $0 }  // any function of tensors
    let model = Model(
      inputs: [x, z],
      outputs: ["size": Dense(1, name: "head")(merged), "kind": Dense(3)(cubed)],
      losses: [
        MeanSquaredError(on: "size"), SparseCategoricalCrossentropy(fromLogits: true, on: "kind"),
      ],
      optimizer: Adam())
    print(model.summary())
    // end
    // output: functional-summary
    #expect(
      model.summary() == """
        Model: "functional"
        ┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━━━━━━┓
        ┃ Layer (type)        ┃ Output Shape ┃ Param # ┃ Connected to   ┃
        ┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━━━━━━┩
        │ x (InputLayer)      │ [nil, 4]     │       0 │ -              │
        ├─────────────────────┼──────────────┼─────────┼────────────────┤
        │ z (InputLayer)      │ [nil, 4]     │       0 │ -              │
        ├─────────────────────┼──────────────┼─────────┼────────────────┤
        │ shared (Dense)      │ [nil, 8]     │      40 │ x[0][0]        │
        │                     │              │         │ z[0][0]        │
        ├─────────────────────┼──────────────┼─────────┼────────────────┤
        │ multiply (Multiply) │ [nil, 8]     │       0 │ shared[0][0]   │
        │                     │              │         │ shared[1][0]   │
        ├─────────────────────┼──────────────┼─────────┼────────────────┤
        │ cube (Cube)         │ [nil, 8]     │       0 │ multiply[0][0] │
        ├─────────────────────┼──────────────┼─────────┼────────────────┤
        │ dense (Dense)       │ [nil, 3]     │      27 │ cube[0][0]     │
        ├─────────────────────┼──────────────┼─────────┼────────────────┤
        │ head (Dense)        │ [nil, 1]     │       9 │ multiply[0][0] │
        └─────────────────────┴──────────────┴─────────┴────────────────┘
        Total params: 76 (304 B)
        Trainable params: 76 (304 B)
        Non-trainable params: 0 (0 B)
        """)
    // end
    let kinds = Tensor([0, 1, 2, 0, 1, 2, 0, 1])
    // snippet: functional-fit
    // data: [8, 4], kinds: [8]
    try model.fit(
      x: ["x": data, "z": 2 * data],
      y: ["size": mean(data, axis: 1, keepDims: true), "kind": kinds],
      verbose: .silent)
    // end
    #expect(model.history["loss"].count == 1)
    let path = TemporaryFolder.path("docs-network.svg")
    // snippet: functional-parts
    let network = Functional(inputs: [x, z], outputs: merged, name: "merge")  // a model of a part
    let head = network.layer("shared")  // the very layer
    let (p, q) = (Input(shape: [4]), Input(shape: [4]))
    let nested = Functional(inputs: [p, q], outputs: Dense(1)(network([p, q])))  // as a layer
    try nested.plot(to: path)  // .svg, or .dot for Graphviz
    // end
    #expect(head === shared)
    #expect(nested.children.map(\.name) == ["input_layer", "input_layer_1", "merge", "dense"])
    #expect(FileManager.default.fileExists(atPath: path))
    let output: Tensor = nested([data, data])
    #expect(output.shape == [8, 1])
  }

  @Test("Graphs that cannot be")
  func errors() {
    let (x, z) = (Input(shape: [4], name: "x"), Input(shape: [4], name: "z"))
    let message = errorMessage {
      // snippet: disconnected
      try withErrors { Functional(inputs: x, outputs: x + z) }
      // end
    }
    // output: disconnected-error
    #expect(
      message == """
        Graph disconnected: cannot obtain value for tensor z: [nil, 4] at layer "add". The following previous \
        layers were accessed without issue: ["x"]. Is "z" missing in inputs?
        """)
    // end
    expectError("first (Conv2D): expected images") {
      _ = Conv2D(4, kernelSize: 3, name: "first")(x) as KerasTensor
    }
  }
}
