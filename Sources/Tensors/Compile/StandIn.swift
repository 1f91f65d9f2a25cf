/// The second input, once the first one has been computed: a gradient in place of another one that is not to count, and that is
/// computed because ranks meet on the way to it.
package struct StandIn: Primitive {
  package init() {}

  package var inPlace: [InPlacePair] { [InPlacePair(output: 0, input: 1)] }
  package var acceptsStrided: Bool { true }

  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectEqual(inputs[0], inputs[1])
    return [inputs[1]]
  }

  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    inputs[1].pointer == outputs[0].pointer ? {} : copyKernel(inputs[1], outputs[0], workspace)
  }

  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil, c.g] }

  package func withExampleAxis(_ count: Int) -> (any Primitive)? { self }
}
