/// The input in row-major order without gaps: a copy of a view, otherwise the input itself.
package struct Contiguous: AnyLeadingAxes {
  /// The operation.
  package init() {}

  /// Any strides will do.
  package var acceptsStrided: Bool { true }

  /// The input's own specification.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    return inputs
  }

  /// The input's layout if that is row-major already.
  package func view(of input: Layout) -> Layout? { input.isContiguous ? input : nil }

  /// A copy that follows the input's strides.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    copyKernel(inputs[0], outputs[0], workspace)
  }

  /// `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g] }
}
