/// The input itself, where its memory is.
package protocol Passthrough: AnyLeadingAxes {}

extension Passthrough {
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

package struct IdentityOperation: Passthrough {
  package init() {}
}

/// The input in row-major order without gaps: a copy of a view, otherwise the input itself.
package struct Contiguous: Passthrough {
  package init() {}

  /// The input's layout if that is row-major already.
  package func view(of input: Layout) -> Layout? { input.isContiguous ? input : nil }
}

/// The input itself, through which no gradient flows.
struct StopGradient: Passthrough {
  func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// `x` as a constant: gradients do not flow through it. Shares the memory of `x`.
public func stopGradient(_ x: Tensor) -> Tensor { apply1(StopGradient(), x) }

extension Tensor {
  /// This tensor as a constant: gradients do not flow through it.
  public func stopGradient() -> Tensor { Tensors.stopGradient(self) }
}
