/// The input in row-major order without gaps: a copy of a view, otherwise the input itself.
public struct Contiguous: Primitive {
  /// The operation.
  public init() {}

  /// Any strides will do.
  public var acceptsStrided: Bool { true }

  /// The input's own specification.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    return inputs
  }

  /// The input's layout if that is row-major already.
  public func view(of input: Layout) -> Layout? { input.isContiguous ? input : nil }

  /// A copy that follows the input's strides.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    copyKernel(inputs[0], outputs[0], workspace)
  }

  /// `g`.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [c.g] }
}
