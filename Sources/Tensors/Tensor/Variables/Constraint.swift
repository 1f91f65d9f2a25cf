/// A condition on a parameter that every update is followed by: the optimizer's new value is brought back to it.
///
/// Given to a layer (`kernelConstraint: MaxNorm(2)`), or to ``AnyModule/parameter(_:shape:initializer:constraint:trainable:dtype:)``.
/// Constraints hold after updates by an ``Optimizer``: an initial value that breaks one stays until the first update, as in
/// Keras.
///
/// - SeeAlso: Keras, `constraints.Constraint`.
public protocol Constraint: Sendable {
  /// The value in place of `parameter`, of its shape. Traced into the step.
  func callAsFunction(_ parameter: Tensor) -> Tensor
}

extension Constraint {
  /// The lengths of the vectors along `axes`, which stay with length 1.
  package func norms(of parameter: Tensor, axes: [Int]) -> Tensor {
    norm(parameter, axes: axes, keepDims: true)
  }

  /// `parameter` with vectors of `lengths` instead of `norms`; a vector of zeros stays one.
  package func scaled(_ parameter: Tensor, to lengths: Tensor, from norms: Tensor) -> Tensor {
    parameter * (lengths / (norms + 1e-7))
  }
}
