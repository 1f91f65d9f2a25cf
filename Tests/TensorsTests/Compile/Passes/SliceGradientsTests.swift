import Tensors
import TensorsTestSupport
import Testing

@Suite("Gradients of slices in a plan")
struct SliceGradientsTests {
  private let spec = TensorSpec([2, 6], .float64)

  /// The graph of a function's gradient before and after the pass.
  private func graphs(
    _ spec: TensorSpec, _ function: @escaping (Tensor) -> Tensor
  ) throws -> (before: Graph, after: Graph) {
    let graph = try Trace.record([spec]) { inputs in
      [try grad { (x: Tensor) in sum(function(x)) }(inputs[0])]
    }
    let before = CommonSubexpressions().run(graph)
    return (before, SliceGradients().run(before))
  }

  private func expectSame(_ before: Graph, _ after: Graph) throws {
    var generator = SeededGenerator(seed: 2)
    let x = generator.uniform(before.inputs[0].shape)
    expectClose(
      try Plan(after, passes: [])([x])[0], try Plan(before, passes: [])([x])[0], atol: 0, rtol: 0)
  }

  private func names(_ graph: Graph) -> [String] { graph.nodes.map(\.primitive.name) }

  @Test("The sum of two parts is the parts one after the other")
  func text() throws {
    try expectPass(
      SliceGradients(), [noise([3]), noise([5], seed: 2)],
      before: """
        %0 = scatterSlice(in0) : float32 [8]
        %1 = scatterSlice(in1) : float32 [8]
        %2 = add(%0, %1) : float32 [8]
        return %2
        """,
      after: """
        %0 = concatenate(in0, in1) : float32 [8]
        return %0
        """
    ) { x in
      [
        apply1(ScatterSlice(shape: [8], starts: [0], lengths: [3], steps: [1]), x[0])
          + apply1(ScatterSlice(shape: [8], starts: [3], lengths: [5], steps: [1]), x[1])
      ]
    }
  }

  @Test("Parts that cover an axis are joined, and the result does not change")
  func joinsParts() throws {
    let (before, after) = try graphs(spec) { x in
      let parts = split(x, into: 3, axis: 1)
      return exp(parts[0]) * parts[1] + square(parts[2])
    }
    #expect(names(before).filter { $0 == "scatterSlice" }.count == 3)
    #expect(!after.description.contains("scatterSlice"))
    let last = after.description.split(separator: "\n").suffix(2)
    #expect(last.first?.contains(" = concatenate(") == true)
    #expect(last.first?.hasSuffix(" : \(spec)") == true)
    try expectSame(before, after)
  }

  @Test("The description shows what became of a small graph")
  func description() throws {
    let (before, after) = try graphs(TensorSpec([4], .float64)) { x in
      let (a, b) = (slice(x, axis: 0, to: 1), slice(x, axis: 0, from: 1))
      return concatenate([square(b), exp(a)])
    }
    #expect(before.description.components("scatterSlice(") == 2)
    #expect(before.description.components("add(") == 1)
    #expect(after.description.components("scatterSlice(") == 0)
    #expect(after.description.components("add(") == 0)
    #expect(after.description.components("concatenate(") == 1)
    try expectSame(before, after)
  }

  @Test("Slices of one tensor put back where they were are that tensor")
  func findsTheWhole() throws {
    // Attention gives the gradients of queries, keys and values in one tensor.
    let (before, after) = try graphs(TensorSpec([1, 5, 12], .float64)) { x in
      let parts = reshape(x, [1, 5, 3, 2, 2])
      return square(
        scaledDotProductAttention(
          parts[.all, .all, 0], parts[.all, .all, 1], parts[.all, .all, 2], isCausal: true))
    }
    #expect(names(before).contains("scatterSlice"))
    #expect(!names(after).contains("scatterSlice"))
    #expect(!names(after).contains("concatenate"))
    #expect(names(after).contains("attentionGradient"))
    try expectSame(before, after)
  }

  @Test(
    "Gaps, overlaps, steps and other terms are left alone",
    arguments: ["gap", "overlap", "steps", "two axes", "other term"])
  func leavesOthers(_ kind: String) throws {
    let (before, after) = try graphs(spec) { x in
      switch kind {
      case "gap": sum(square(x[.all, 0..<2])) + sum(exp(x[.all, 3..<6]))
      case "overlap": sum(square(x[.all, 0..<4])) + sum(exp(x[.all, 3..<6]))
      case "steps":
        sum(square(x[.all, .stride(by: 2)])) + sum(exp(x[.all, .stride(from: 1, by: 2)]))
      case "two axes": sum(square(x[0..<1, 0..<3])) + sum(exp(x[1..<2, 3..<6]))
      default: sum(square(x[.all, 0..<3])) + sum(exp(x[.all, 3..<6])) + sum(x * x)
      }
    }
    #expect(names(before) == names(after))
    try expectSame(before, after)
  }
}

extension String {
  /// How often a text occurs.
  fileprivate func components(_ text: String) -> Int {
    var count = 0
    var rest = self[...]
    while let found = rest.firstRange(of: text) {
      count += 1
      rest = rest[found.upperBound...]
    }
    return count
  }
}
