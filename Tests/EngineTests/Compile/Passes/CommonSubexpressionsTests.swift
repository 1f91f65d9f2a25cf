import Engine
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
}
