import Tensors
import TensorsTestSupport
import Testing

@Suite("The checks of the tests themselves")
struct CheckTests {
  /// Claims that the derivative of x² is 3x.
  private struct WrongSquare: Primitive {
    func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }
    func prepare(
      _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
    ) -> Kernel {
      Square().prepare(inputs, outputs, workspace)
    }
    func gradient(_ context: GradientContext) -> [Tensor?] {
      [context.incomingOrZeros() * context.inputs[0] * 3]
    }
  }

  @Test("A wrong gradient is found")
  func wrongGradient() {
    let x = Tensor([1.0, 2], dtype: .float64)
    withKnownIssue { try expectGradient(of: { apply1(WrongSquare(), $0[0]) }, at: [x]) }
  }

  @Test("Another shape, value or NaN is a mismatch; equal infinities and NaN are not")
  func mismatches() {
    withKnownIssue { expectClose(Tensor([1.0, 2]), Tensor([[1.0, 2]])) }
    withKnownIssue { expectClose(Tensor([1.0, 2]), [1.0, 2.1]) }
    withKnownIssue { expectClose(Tensor([Double.nan]), [1.0]) }
    withKnownIssue { expectClose([1.0], [1.0, 2]) }
    withKnownIssue { expectClose(.infinity, -.infinity) }
    expectClose([.infinity, .nan, 1], [.infinity, .nan, 1 + 1e-7])
  }
}
