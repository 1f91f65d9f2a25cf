import Engine
import Foundation
import TestSupport
import Testing

/// A residual network with a shared layer, a nested model and two outputs.
private func network() -> Functional {
  let (a, b) = (Input(shape: [8], name: "a"), Input(shape: [8], name: "b<&>"))
  let z = Input(shape: [4])
  let inner = Functional(inputs: z, outputs: Dense(4)(z), name: "inner")
  let shared = Dense(4, name: "shared")
  let (left, right) = (shared(a), shared(b))
  let merged = concatenate([left, right], axis: -1)
  let hidden = Dense(8, name: "hidden")(merged)
  let deep = Dense(8, name: "deep")(relu(hidden))
  return Functional(inputs: [a, b], outputs: [deep + merged, inner(left)], name: "network")
}

@Suite("Pictures and tables of functional models", .seeded)
struct FunctionalPictureTests {
  @Test("Keras's table")
  func summary() {
    let model = network()
    model.layer("hidden").freeze()
    #expect(
      model.summary() == """
        Model: "network"
        ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
        ┃ Layer (type)              ┃ Output Shape ┃ Param # ┃ Connected to      ┃
        ┡━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
        │ a (InputLayer)            │ [nil, 8]     │       0 │ -                 │
        ├───────────────────────────┼──────────────┼─────────┼───────────────────┤
        │ b<&> (InputLayer)         │ [nil, 8]     │       0 │ -                 │
        ├───────────────────────────┼──────────────┼─────────┼───────────────────┤
        │ shared (Dense)            │ [nil, 4]     │      36 │ a[0][0]           │
        │                           │              │         │ b<&>[0][0]        │
        ├───────────────────────────┼──────────────┼─────────┼───────────────────┤
        │ concatenate (Concatenate) │ [nil, 8]     │       0 │ shared[0][0]      │
        │                           │              │         │ shared[1][0]      │
        ├───────────────────────────┼──────────────┼─────────┼───────────────────┤
        │ hidden (Dense)            │ [nil, 8]     │      72 │ concatenate[0][0] │
        ├───────────────────────────┼──────────────┼─────────┼───────────────────┤
        │ relu (Relu)               │ [nil, 8]     │       0 │ hidden[0][0]      │
        ├───────────────────────────┼──────────────┼─────────┼───────────────────┤
        │ deep (Dense)              │ [nil, 8]     │      72 │ relu[0][0]        │
        ├───────────────────────────┼──────────────┼─────────┼───────────────────┤
        │ add (Add)                 │ [nil, 8]     │       0 │ deep[0][0]        │
        │                           │              │         │ concatenate[0][0] │
        ├───────────────────────────┼──────────────┼─────────┼───────────────────┤
        │ inner (Functional)        │ [nil, 4]     │      20 │ shared[0][0]      │
        └───────────────────────────┴──────────────┴─────────┴───────────────────┘
        Total params: 200 (800 B)
        Trainable params: 128 (512 B)
        Non-trainable params: 72 (288 B)
        """)
    #expect(model.summary(expandNested: true).contains("│   dense (Dense) "))
    #expect(Model(module: model, losses: nil).summary() == model.summary())
  }

  @Test("A layer called on two shapes has several")
  func severalShapes() {
    let (x, y) = (Input(shape: [5, 3]), Input(shape: [3]))
    let dense = Dense(2, name: "both")
    let model = Functional(inputs: [x, y], outputs: [dense(x), dense(y)])
    #expect(model.summary().contains("│ both (Dense)               │ multiple"))
  }

  @Test("The graph for Graphviz")
  func dot() {
    let x = Input(shape: [3], name: "x")
    let dense = Dense(3, name: "say \"hi\"")
    let model = Functional(inputs: x, outputs: dense(dense(x)) * dense(x), name: "m")
    #expect(
      model.dot() == #"""
        digraph "m" {
          node [shape=box, style=filled, fontname="monospace"];
          n0 [label="x\nInputLayer\n[nil, 3]", fillcolor="#dcfce7"];
          n1 [label="say \"hi\"\nDense, call 1 of 3\n[nil, 3] → [nil, 3]", fillcolor="#dbeafe"];
          n2 [label="say \"hi\"\nDense, call 2 of 3\n[nil, 3] → [nil, 3]", fillcolor="#dbeafe"];
          n3 [label="say \"hi\"\nDense, call 3 of 3\n[nil, 3] → [nil, 3]", fillcolor="#dbeafe"];
          n4 [label="multiply\nMultiply\n[nil, 3], [nil, 3] → [nil, 3]", fillcolor="#f1f5f9"];
          n0 -> n1;
          n1 -> n2;
          n0 -> n3;
          n2 -> n4;
          n3 -> n4;
        }

        """#)
  }

  @Test("The picture: every box once, none on another, every edge downwards and around boxes")
  func svg() throws {
    let path = TemporaryFolder.path("network.svg")
    let model = network()
    try model.plot(to: path)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text == model.svg())
    for name in ["a", "b&lt;&amp;&gt;", "concatenate", "inner", "deep"] {
      #expect(text.components(separatedBy: ">\(name)</text>").count == 2, "\(name)")
    }
    #expect(text.components(separatedBy: ">shared</text>").count == 3)

    func numbers(_ line: Substring) -> [Double] {
      line.split(whereSeparator: { !"0123456789.-".contains($0) }).compactMap { Double($0) }
    }
    let lines = text.split(separator: "\n")
    let canvas = numbers(try #require(lines.first).split(separator: "viewBox")[1])
    let frames = lines.filter { $0.hasPrefix("<rect x") }.map { numbers($0) }
    // The nested model has a double frame.
    #expect(frames.count == model.inputs.count + 8 + 1)
    let boxes = frames.map {
      (left: $0[0], top: $0[1], right: $0[0] + $0[2], bottom: $0[1] + $0[3])
    }
    .filter { $0.bottom - $0.top == 62 }
    for (index, a) in boxes.enumerated() {
      #expect(a.left >= 0 && a.top >= 0 && a.right <= canvas[2] && a.bottom <= canvas[3])
      for b in boxes.dropFirst(index + 1) {
        #expect(a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top)
      }
    }
    let paths = lines.filter { $0.hasPrefix("<path d=\"M") }.map {
      numbers($0.split(separator: "\"")[1])
    }
    #expect(paths.count == 10)
    for values in paths {
      let points = stride(from: 0, to: values.count, by: 2).map { (values[$0], values[$0 + 1]) }
      let ends = stride(from: 0, to: points.count, by: 3).map { points[$0] }
      for (a, b) in zip(ends, ends.dropFirst()) {
        #expect(a.1 < b.1)
        // Straight pieces pass boxes; curves lie between rows.
        for box in boxes where a.1 < box.bottom && b.1 > box.top {
          #expect(a.0 == b.0 && (a.0 < box.left || a.0 > box.right))
        }
      }
    }
  }
}
