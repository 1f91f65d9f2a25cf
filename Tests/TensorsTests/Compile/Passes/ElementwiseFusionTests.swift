import Tensors
import TensorsTestSupport
import Testing

@Suite struct ElementwiseFusionTests {
  @Test func `a chain becomes one operation`() throws {
    try expectPass(
      ElementwiseFusion(),
      [noise([32, 48]), noise([32, 48], seed: 2), noise([32, 48], seed: 3)],
      before: """
        %0 = multiply(in0, in1) : float32 [32, 48]
        %1 = add(%0, in2) : float32 [32, 48]
        %2 = tanh(%1) : float32 [32, 48]
        return %2
        """,
      after: """
        %0 = fused(multiply add tanh)(in0, in1, in2) : float32 [32, 48]
        return %0
        """
    ) { [tanh($0[0] * $0[1] + $0[2])] }
  }

  @Test func `a value that its only reader reads twice is computed once`() throws {
    try expectPass(
      ElementwiseFusion(), [noise([32, 48])],
      after: """
        %0 = fused(exp multiply)(in0) : float32 [32, 48]
        return %0
        """
    ) { x in
      let y = exp(x[0])
      return [y * y]
    }
  }

  @Test func `a value with two readers, a kept one and few elements stay`() throws {
    for body in [
      { x in
        let y = exp(x[0])
        return [y * x[1], y + x[1]]
      },
      { x in
        let y = exp(x[0])
        return [y, y + x[1]]
      },
      { x in [exp(x[0][0..<2, 0..<2]) + 1.0] },
    ] as [([Tensor]) -> [Tensor]] {
      let graph = try Trace.record(
        [TensorSpec([32, 48], .float32), TensorSpec([32, 48], .float32)], body)
      #expect(ElementwiseFusion().run(graph).description == graph.description)
    }
  }

  @Test func `gradients of activations are elementwise too`() throws {
    try expectPass(
      ElementwiseFusion(), [noise([40, 30]), noise([40, 30], seed: 2)],
      after: """
        %0 = fused(add reLUGradient multiply tanhGradient)(in1, in0) : float32 [40, 30]
        return %0
        """
    ) { x in
      let masked = apply1(ReLUGradient(), x[0], x[0] + x[1]) * x[1]
      return [apply1(TanhGradient(), x[1], masked)]
    }
  }

  /// Shapes for every way through the elements: in one line, with short rows, long rows, and rows of several axes.
  @Test(
    arguments: [
      [0, 48], [1, 4096], [3000], [7, 1, 300], [2, 3, 5, 64], [700, 3], [129, 10], [50, 700],
      [40_000], [5, 20_000],
    ] as [Shape])
  func `any shape and broadcast operands give the bits of the single operations`(
    shape: Shape
  ) throws {
    let row = Shape([shape[-1]])
    let column = Shape(shape.dropLast() + [1])
    try expectPass(
      ElementwiseFusion(), [noise(shape), noise(row, seed: 2), noise(column, seed: 3)]
    ) { x in
      [
        relu(x[0] - x[1]).cast(to: .float64) * 0.5 + sum(x[1]).cast(to: .float64),
        select(x[0] .> x[2], x[0] * x[1], x[2]) * x[0],
        relu(x[0] + x[1]) * 2.0,
        gelu(x[0] * x[1]) + gelu(x[0] + x[2], approximate: true),
        apply1(GELUGradient(approximate: true), x[0], x[0] * x[2]) * 2.0,
      ]
    }
  }

  @Test func `operands in another order are read where they are`() throws {
    try expectPass(
      ElementwiseFusion(), [noise([300, 200]), noise([200, 300], seed: 2), noise([4, 300, 50])]
    ) { x in
      [
        relu(x[0] + x[1].transposed) * x[0],
        relu(x[2][1..<3, .all, 10..<40] + 1.0) * x[2][0..<2, .all, 0..<30],
      ]
    }
  }
}
