import Tensors
import TensorsTestSupport
import Testing

@Suite struct GraphTests {
  @Test func `operations on constants are done when they are traced`() throws {
    let graph = try Trace.record([TensorSpec([4], .float32)]) { x in
      let steps = Tensor.arange(4, dtype: .float32)
      return [x[0] * exp(steps * 2.0 + 1.0)]
    }
    #expect(
      graph.description == """
        %0 = multiply(in0, const float32 [4]) : float32 [4]
        return %0
        """)
  }

  @Test func `what nothing depends on is no part of the graph`() throws {
    let graph = try Trace.record([TensorSpec([4], .float32)]) { x in
      _ = tanh(x[0]) * 2.0
      return [exp(x[0])]
    }
    #expect(graph.nodes.map(\.primitive.name) == ["exp"])
  }

  /// Layers of products, activations and masks, as a deep network has them.
  private func deep(_ layers: Int) throws -> Graph {
    let specs = [TensorSpec([64, 64], .float32), TensorSpec([64], .float32)]
    return try Trace.record(specs) { x in
      var (y, sums) = (x[0], [] as [Tensor])
      for _ in 0..<layers {
        let hidden = relu(matmul(y, x[0]) + x[1])
        let masked = apply1(ReLUGradient(), hidden, matmul(hidden, y))
        sums.append(sum(masked, axis: 0))
        y = tanh(masked * 0.5 + y)
      }
      return [y] + sums
    }
  }

  @Test func `a graph of ten thousand operations goes through all passes`() throws {
    func counts(_ layers: Int) throws -> (before: Int, after: Int) {
      let graph = try deep(layers)
      return (graph.nodes.count, Passes.standard.reduce(graph) { $1.run($0) }.nodes.count)
    }
    let (two, three, many) = (try counts(2), try counts(3), try counts(1500))
    #expect(many.before > 10_000)
    #expect(many.after == two.after + 1498 * (three.after - two.after))
  }
}
