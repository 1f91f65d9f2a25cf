import Tensors
import TensorsTestSupport
import Testing

private let specs = [
  TensorSpec([2, 12, 12, 16], .float32), TensorSpec([3, 3, 16, 32], .float32),
  TensorSpec([32], .float32),
]

private func values() -> [Tensor] {
  var generator = SeededGenerator(seed: 3)
  return specs.map { generator.uniform($0.shape, dtype: .float32) }
}

@Suite struct ConvolutionEpilogueTests {
  @Test func `a bias and a rectifier become part of the convolution`() throws {
    let graph = try Trace.record(specs) { [relu(conv($0[0], $0[1]) + $0[2])] }
    #expect(
      graph.description == """
        %0 = conv2D(in0, in1) : float32 [2, 10, 10, 32]
        %1 = broadcastTo(in2) : float32 [2, 10, 10, 32]
        %2 = add(%0, %1) : float32 [2, 10, 10, 32]
        %3 = reLU(%2) : float32 [2, 10, 10, 32]
        return %3
        """)
    #expect(
      ConvolutionEpilogue().run(graph).description == """
        %0 = conv2D(add reLU)(in0, in1, in2) : float32 [2, 10, 10, 32]
        return %0
        """)
  }

  @Test func `a bias alone does as well, on either side`() throws {
    let graph = try Trace.record(specs) { [tanh($0[2] + conv($0[0], $0[1]))] }
    #expect(
      ConvolutionEpilogue().run(graph).description == """
        %0 = conv2D(add)(in0, in1, in2) : float32 [2, 10, 10, 32]
        %1 = tanh(%0) : float32 [2, 10, 10, 32]
        return %1
        """)
  }

  @Test func `what others read stays`() throws {
    let sums = try Trace.record(specs) { inputs in
      let y = conv(inputs[0], inputs[1])
      return [relu(y + inputs[2]), y]
    }
    #expect(!ConvolutionEpilogue().run(sums).description.contains("conv2D(add"))
    let biased = try Trace.record(specs) { inputs in
      let y = conv(inputs[0], inputs[1]) + inputs[2]
      return [relu(y), exp(y)]
    }
    let description = ConvolutionEpilogue().run(biased).description
    #expect(description.contains("conv2D(add)(") && description.contains("= reLU("))
  }

  @Test func `other sums are not biases`() throws {
    let images = try Trace.record(specs) { inputs in
      [conv(inputs[0], inputs[1]) + conv(inputs[0], inputs[1] * 2.0)]
    }
    #expect(!ConvolutionEpilogue().run(images).description.contains("conv2D(add"))
    let scalar = try Trace.record([specs[0], specs[1], TensorSpec([1], .float32)]) { inputs in
      [conv(inputs[0], inputs[1]) + inputs[2]]
    }
    #expect(!ConvolutionEpilogue().run(scalar).description.contains("conv2D(add"))
  }

  @Test func `values and gradients do not change`() throws {
    let function: ([Tensor]) throws -> [Tensor] = { inputs in
      let (value, gradients) = try valueAndGrad { (inputs: [Tensor]) in
        sum(square(relu(conv(inputs[0], inputs[1], padding: .same) + inputs[2])))
      }(inputs)
      return [value] + gradients
    }
    let graph = try Trace.record(specs, function)
    let plain = try Plan(graph, passes: [])(values())
    let fused = try Plan(graph, passes: [ConvolutionEpilogue()])(values())
    #expect(ConvolutionEpilogue().run(graph).description.contains("conv2D(add reLU)"))
    for (a, b) in zip(fused, plain) { expectClose(a, b, atol: 1e-4, rtol: 1e-5) }
  }
}
