/// Several elementwise operations in one sweep: a tile of a thousand elements goes through all of them while it is in
/// the first-level cache.
struct FusedElementwise: Primitive {
  let program: ElementwiseProgram

  var name: String { "fused(\(program.names))" }
  var acceptsStrided: Bool { true }
  var inPlace: [InPlacePair] {
    (0..<program.inputCount).map { InPlacePair(output: 0, input: $0) }
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    [TensorSpec(inputs[0].shape, program.operations.last?.outputType ?? inputs[0].dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    ElementwiseRunner(program, inputs, outputs[0], workspace).kernel()
  }

  func gradient(_ context: GradientContext) -> [Tensor?] {
    fatalError("fused operations are made after gradients have been taken")
  }
}
