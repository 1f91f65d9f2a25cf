import CKernels

/// The loops over memory of optimizers' updates, in place on `count` elements of one floating-point type.
package enum UpdateKernels {
  /// `parameter -= learningRate * gradient`; the two may be one array.
  package static func sgd(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    learningRate: Double, count: Int
  ) {
    apus_sgd(dtype.code, parameter, gradient, learningRate, count)
  }

  /// Gradient descent with momentum, as in Keras (`keras.optimizers.SGD`).
  package static func momentum(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    _ velocity: UnsafeMutableRawPointer, learningRate: Double, momentum: Double, nesterov: Bool,
    count: Int
  ) {
    apus_momentum(
      dtype.code, parameter, gradient, velocity, learningRate, momentum, nesterov ? 1 : 0, count)
  }

  /// Adam, and AMSGrad where there is a `largest` second moment.
  ///
  /// - Parameters:
  ///   - dtype: the type of all arrays.
  ///   - parameter: what is updated.
  ///   - gradient: its gradient.
  ///   - first: the first moment.
  ///   - second: the second moment.
  ///   - largest: the largest second moment so far, for AMSGrad.
  ///   - learningRate: that of this step.
  ///   - betas: β₁ and β₂.
  ///   - epsilon: added to the root of the second moment.
  ///   - corrections: 1 − β₁ᵗ and 1 − β₂ᵗ of this step.
  ///   - weightDecay: the share of the parameter, times the learning rate, that is subtracted.
  ///   - count: elements of each array.
  package static func adam(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    first: UnsafeMutableRawPointer, second: UnsafeMutableRawPointer,
    largest: UnsafeMutableRawPointer?, learningRate: Double, betas: (Double, Double),
    epsilon: Double, corrections: (Double, Double), weightDecay: Double, count: Int
  ) {
    apus_adam(
      dtype.code, parameter, gradient, first, second, largest, learningRate, betas.0, betas.1,
      epsilon, corrections.0, corrections.1, weightDecay, count)
  }
}
