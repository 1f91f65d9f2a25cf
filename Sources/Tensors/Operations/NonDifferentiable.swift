/// A primitive without gradients: its output is no floating number, or constant wherever it is smooth.
package protocol NonDifferentiable: Primitive {}

extension NonDifferentiable {
  /// Nil for every input.
  package func gradient(_ c: GradientContext) -> [Tensor?] { c.inputs.map { _ in nil } }
}
