/// The input itself, as a view.
package struct IdentityOperation: AnyLeadingAxes {
  /// The operation.
  package init() {}

  /// Any strides will do.
  package var acceptsStrided: Bool { true }

  /// The input's own specification.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    return inputs
  }

  /// The input's layout.
  package func view(of input: Layout) -> Layout? { input }

  /// A copy, where a plan wants the value in a place of its own.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    copyKernel(inputs[0], outputs[0], workspace)
  }

  /// `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g] }
}
