import Tensors
import TensorsTestSupport
import Testing

@Suite struct ProductEpilogueTests {
  @Test func `bias and activation are part of the product`() throws {
    let inputs = [noise([128, 40]), noise([40, 96], seed: 2), noise([96], seed: 3)]
    let graph = try Trace.record(inputs.map(\.spec)) { [relu(matmul($0[0], $0[1]) + $0[2])] }
    let fused = ElementwiseFusion().run(graph)
    #expect(
      fused.description == """
        %0 = matMul(in0, in1) : float32 [128, 96]
        %1 = broadcastTo(in2) : float32 [128, 96]
        %2 = fused(add reLU)(%0, %1) : float32 [128, 96]
        return %2
        """)
    let after = ProductEpilogue().run(fused)
    #expect(
      after.description == """
        %0 = broadcastTo(in2) : float32 [128, 96]
        %1 = fused(matMul add reLU)(in0, in1, %0) : float32 [128, 96]
        return %1
        """)
    let expected = try Plan(graph, passes: [])(inputs)[0]
    for threads in 1...3 {
      // Forty products of numbers below 1: other orders of addition differ in the last bits.
      expectClose(try run(after, inputs, threads: threads)[0], expected, atol: 4e-6)
    }
    expectClose(try Plan(after, passes: [])(inputs)[0], expected, atol: 4e-6)
  }

  @Test func `what is done to the product alone keeps its bits`() throws {
    try expectPass(
      ProductEpilogue(), [noise([64, 20]), noise([20, 48], seed: 2), noise([64, 48], seed: 3)],
      before: """
        %0 = matMul(in0, in1) : float32 [64, 48]
        %1 = reLUGradient(in2, %0) : float32 [64, 48]
        return %1
        """,
      after: """
        %0 = fused(matMul reLUGradient)(in0, in1, in2) : float32 [64, 48]
        return %0
        """
    ) { [apply1(ReLUGradient(), $0[2], matmul($0[0], $0[1]))] }
    for approximate in [false, true] {
      try expectPass(
        ProductEpilogue(),
        [noise([64, 20]), noise([20, 47], seed: 2), noise([64, 47], seed: 3)],
        after: """
          %0 = fused(matMul gELUGradient)(in0, in1, in2) : float32 [64, 47]
          return %0
          """
      ) { [apply1(GELUGradient(approximate: approximate), $0[2], matmul($0[0], $0[1]))] }
    }
  }

  @Test func `a change of shape in between does not matter, nor do threads`() throws {
    let inputs = [
      noise([8, 50, 60]), noise([60, 70], seed: 2), noise([70], seed: 3), noise([8, 50, 70]),
    ]
    let graph = try Trace.record(inputs.map(\.spec)) { x in
      [gelu(matmul(x[0], x[1]) + x[2] + x[3]), tanh(matmul(x[0], x[1]) * x[3] - x[2])]
    }
    let after = ProductEpilogue().run(ElementwiseFusion().run(graph))
    #expect(
      after.nodes.map(\.primitive.name).filter { $0.contains("matMul") } == [
        "fused(matMul add add gELU)", "fused(matMul multiply subtract tanh)",
      ])
    let expected = try Plan(graph, passes: [])(inputs)
    for threads in 1...4 {
      for (a, b) in zip(try run(after, inputs, threads: threads), expected) {
        expectClose(a, b, atol: 1e-5)
      }
    }
  }

  @Test func `of several products the last takes the others`() throws {
    let shapes: [Shape] = [[30, 40], [40, 50], [30, 20], [20, 50]]
    let inputs = shapes.enumerated().map { noise($1, seed: UInt64($0)) }
    let graph = try Trace.record(inputs.map(\.spec)) { x in
      [matmul(x[0], x[1]) + matmul(x[2], x[3])]
    }
    let after = ProductEpilogue().run(graph)
    #expect(
      after.description == """
        %0 = matMul(in0, in1) : float32 [30, 50]
        %1 = fused(matMul add)(in2, in3, %0) : float32 [30, 50]
        return %1
        """)
    let plan = try Plan(after, passes: [])
    expectClose(try plan(inputs)[0], try Plan(graph, passes: [])(inputs)[0], atol: 1e-5)
    // The first product is overwritten.
    #expect(plan.instructions[1].primitive.inPlace == [InPlacePair(output: 0, input: 2)])
  }

  @Test func `a factor that is added as well is not overwritten`() throws {
    let inputs = [noise([4, 30, 32]), noise([32, 32], seed: 2)]
    let graph = try Trace.record(inputs.map(\.spec)) { x in
      let y = exp(x[0])
      return [tanh(matmul(y, x[1]) + y)]
    }
    let after = ProductEpilogue().run(ElementwiseFusion().run(graph))
    #expect(after.nodes.last?.primitive.inPlace.isEmpty == true)
    expectClose(
      try Plan(after, passes: [])(inputs)[0], try Plan(graph, passes: [])(inputs)[0], atol: 1e-5)
  }

  @Test func `a product that is needed elsewhere stays`() throws {
    let specs = [TensorSpec([64, 20], .float32), TensorSpec([20, 48], .float32)]
    for body in [
      { x in
        let y = matmul(x[0], x[1])
        return [y, relu(y)]
      },
      { x in
        let y = matmul(x[0], x[1])
        return [exp(y), relu(y)]
      },
      { x in [relu(matmul(x[0], x[1]).transposed)] },
      { x in [relu(matmul(x[0].cast(to: .int32), x[1].cast(to: .int32)))] },
    ] as [([Tensor]) -> [Tensor]] {
      let graph = try Trace.record(specs, body)
      #expect(ProductEpilogue().run(graph).description == graph.description)
    }
  }

  @Test func `a product of rounded factors is merged as well`() throws {
    let inputs = [noise([50, 40]), noise([40, 70], seed: 2), noise([70], seed: 3)]
    let graph = BFloat16Products().run(
      try Trace.record(inputs.map(\.spec)) { x in [relu(matmul(x[0], x[1]) + x[2])] })
    let after = ProductEpilogue().run(ElementwiseFusion().run(graph))
    #expect(after.description.contains("fused(matMul[bfloat16] add reLU)(in0, in1, "))
    expectClose(
      try Plan(after, passes: [])(inputs)[0], try Plan(graph, passes: [])(inputs)[0], atol: 1e-5)
  }

  @Test func `products of strange factors are merged too`() throws {
    // Every second column: neither factor can be read by BLAS where it is.
    let inputs = [noise([50, 2, 3, 12]), noise([36, 24], seed: 2), noise([24], seed: 3)]
    let graph = try Trace.record(inputs.map(\.spec)) { x in
      let a = transpose(x[0], [0, 2, 3, 1])[.all, .all, .all, 0].reshape([50, 36])
      return [relu(matmul(a, x[1]) + x[2])]
    }
    let after = ProductEpilogue().run(ElementwiseFusion().run(graph))
    #expect(after.nodes.last?.primitive.name == "fused(matMul add reLU)")
    let expected = try Plan(graph, passes: [])(inputs)[0]
    expectClose(try Plan(after, passes: [])(inputs)[0], expected, atol: 1e-5)
    expectClose(try run(after, inputs, threads: 2)[0], expected, atol: 1e-5)
  }
}
