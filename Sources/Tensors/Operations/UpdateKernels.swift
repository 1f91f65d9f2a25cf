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
  ///   - count: elements of each array.
  package static func adam(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    first: UnsafeMutableRawPointer, second: UnsafeMutableRawPointer,
    largest: UnsafeMutableRawPointer?, learningRate: Double, betas: (Double, Double),
    epsilon: Double, corrections: (Double, Double), count: Int
  ) {
    apus_adam(
      dtype.code, parameter, gradient, first, second, largest, learningRate, betas.0, betas.1,
      epsilon, corrections.0, corrections.1, count)
  }

  /// `parameter -= (rates.0 · first + rates.1 · gradient) / (√(second / correction) + epsilon)`, after Adam's moments.
  package static func nadam(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    first: UnsafeMutableRawPointer, second: UnsafeMutableRawPointer, rates: (Double, Double),
    betas: (Double, Double), epsilon: Double, correction: Double, count: Int
  ) {
    apus_nadam(
      dtype.code, parameter, gradient, first, second, rates.0, rates.1, betas.0, betas.1, epsilon,
      correction, count)
  }

  /// `parameter -= rate · momentum / (largest + epsilon)`, after Adam's first moment and `largest = max(β₂ · largest, |gradient|)`.
  package static func adamax(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    momentum: UnsafeMutableRawPointer, largest: UnsafeMutableRawPointer, rate: Double,
    betas: (Double, Double), epsilon: Double, count: Int
  ) {
    apus_adamax(
      dtype.code, parameter, gradient, momentum, largest, rate, betas.0, betas.1, epsilon, count)
  }

  /// RMSprop, as in Keras (`keras.optimizers.RMSprop`): with `momentum` or without, centered where there is a `mean` of gradients.
  package static func rmsprop(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    velocity: UnsafeMutableRawPointer, momentum: UnsafeMutableRawPointer?,
    mean: UnsafeMutableRawPointer?,
    learningRate: Double, rho: Double, kept: Double, epsilon: Double, count: Int
  ) {
    apus_rmsprop(
      dtype.code, parameter, gradient, velocity, momentum, mean, learningRate, rho, kept, epsilon,
      count)
  }

  /// `sum += gradient²`, `parameter -= learningRate · gradient / √(sum + epsilon)`.
  package static func adagrad(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    sum: UnsafeMutableRawPointer, learningRate: Double, epsilon: Double, count: Int
  ) {
    apus_adagrad(dtype.code, parameter, gradient, sum, learningRate, epsilon, count)
  }

  /// Adadelta with the means of squared `gradients` and squared `steps`.
  package static func adadelta(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    gradients: UnsafeMutableRawPointer, steps: UnsafeMutableRawPointer, learningRate: Double,
    rho: Double, epsilon: Double, count: Int
  ) {
    apus_adadelta(
      dtype.code, parameter, gradient, gradients, steps, learningRate, rho, epsilon, count)
  }

  /// `parameter -= learningRate · sign(β₁ · momentum + (1 − β₁) · gradient)`, then `momentum = β₂ · momentum + (1 − β₂) · gradient`.
  package static func lion(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    momentum: UnsafeMutableRawPointer, learningRate: Double, betas: (Double, Double), count: Int
  ) {
    apus_lion(dtype.code, parameter, gradient, momentum, learningRate, betas.0, betas.1, count)
  }

  /// Follow the regularized leader, as in Keras (`keras.optimizers.Ftrl`): `power` is that of the sum of squared gradients.
  package static func ftrl(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    sum: UnsafeMutableRawPointer, linear: UnsafeMutableRawPointer, learningRate: Double,
    power: Double,
    l1: Double, l2: Double, shrinkage: Double, count: Int
  ) {
    apus_ftrl(
      dtype.code, parameter, gradient, sum, linear, learningRate, power, l1, l2, shrinkage, count)
  }

  /// Schedule-free AdamW, as in Keras (`keras.optimizers.ScheduleFreeAdamW`): `weight` is that of the new step in the mean.
  package static func scheduleFree(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ gradient: UnsafeRawPointer,
    step: UnsafeMutableRawPointer, second: UnsafeMutableRawPointer, learningRate: Double,
    betas: (Double, Double), epsilon: Double, correction: Double, weight: Double, count: Int
  ) {
    apus_schedule_free(
      dtype.code, parameter, gradient, step, second, learningRate, betas.0, betas.1, epsilon,
      correction, weight, count)
  }

  /// `average = momentum · average + (1 − momentum) · parameter`, and then `parameter = average` where that `overwrites` it.
  package static func average(
    _ dtype: DType, _ average: UnsafeMutableRawPointer, _ parameter: UnsafeMutableRawPointer,
    momentum: Double, overwrites: Bool, count: Int
  ) {
    apus_average(dtype.code, average, parameter, momentum, count)
    if overwrites { parameter.copyMemory(from: average, byteCount: count * dtype.size) }
  }
}
