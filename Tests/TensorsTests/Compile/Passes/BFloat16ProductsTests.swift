import Tensors
import Testing

@Suite struct BFloat16ProductsTests {
  private func graph(_ a: Shape, _ b: Shape, _ dtype: DType = .float32) throws -> Graph {
    try Trace.record([TensorSpec(a, dtype), TensorSpec(b, dtype)]) { [matmul($0[0], $0[1])] }
  }

  @Test func `a product that fills the registers rounds its factors`() throws {
    let graph = try graph([12, 16], [16, 32])
    #expect(
      graph.description == """
        %0 = matMul(in0, in1) : float32 [12, 32]
        return %0
        """)
    #expect(
      BFloat16Products().run(graph).description == """
        %0 = matMul[bfloat16](in0, in1) : float32 [12, 32]
        return %0
        """)
  }

  @Test func `few rows, columns or terms, and other types, stay as they are`() throws {
    for graph in [
      try graph([11, 16], [16, 32]), try graph([12, 15], [15, 32]), try graph([12, 16], [16, 31]),
      try graph([64, 64], [64, 64], .float64), try graph([64, 64], [64, 64], .int32),
    ] {
      #expect(BFloat16Products().run(graph).description == graph.description)
    }
  }
}
