/// The input itself, as a view.
public struct IdentityOperation: Primitive {
  /// The operation.
  public init() {}

  /// Any strides will do.
  public var acceptsStrided: Bool { true }

  /// The input's own specification.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    return inputs
  }

  /// The input's layout.
  public func view(of input: Layout) -> Layout? { input }

  /// A copy, where a plan wants the value in a place of its own.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    copyKernel(inputs[0], outputs[0], workspace)
  }

  /// `g`.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [c.g] }
}
