import Tensors
import TensorsTestSupport
import Testing

@Suite struct CommonSubexpressionsTests {
  @Test func `the same operation on the same inputs is done once`() throws {
    try expectPass(
      CommonSubexpressions(), [noise([4, 6]), noise([4, 6], seed: 2)],
      before: """
        %0 = multiply(in0, in1) : float32 [4, 6]
        %1 = exp(%0) : float32 [4, 6]
        %2 = multiply(in0, in1) : float32 [4, 6]
        %3 = exp(%2) : float32 [4, 6]
        %4 = add(%1, %3) : float32 [4, 6]
        return %4
        """,
      after: """
        %0 = multiply(in0, in1) : float32 [4, 6]
        %1 = exp(%0) : float32 [4, 6]
        %2 = add(%1, %1) : float32 [4, 6]
        return %2
        """
    ) { [exp($0[0] * $0[1]) + exp($0[0] * $0[1])] }
  }

  @Test func `other inputs, attributes or constants make another operation`() throws {
    let graph = try Trace.record([TensorSpec([4, 6], .float32)]) { x in
      [sum(x[0], axis: 0), sum(x[0], axis: 1), x[0] * 2.0, x[0] * 3.0, x[0] * 2.0]
    }
    let after = CommonSubexpressions().run(graph)
    #expect(graph.nodes.count == 5)
    #expect(after.nodes.count == 4)
  }

  @Test func `integers beyond the precision of float64 are told apart`() throws {
    let large = 1 << 53
    let graph = try Trace.record([TensorSpec([4], .int64)]) { x in
      [
        x[0] + Tensor([large], dtype: .int64), x[0] + Tensor([large + 1], dtype: .int64),
        x[0] + Tensor([large], dtype: .int64),
      ]
    }
    #expect(graph.nodes.count == 3)
    let after = CommonSubexpressions().run(graph)
    #expect(after.nodes.count == 2)
    let sums = try Plan(after, passes: [])([Tensor([0, 1, 2, 3], dtype: .int64)])
    #expect(sums[0].scalars(as: Int64.self) == (0..<4).map { Int64(large + $0) })
    #expect(sums[1].scalars(as: Int64.self) == (0..<4).map { Int64(large + 1 + $0) })
  }
}
