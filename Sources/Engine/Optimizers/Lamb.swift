import Tensors

/// ``Adam`` with steps as long as the parameter: for large batches.
///
/// With `u = (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)`, moments as Adam's, `p -= rate · ‖p‖ / ‖u‖ · u` for each parameter as a whole, and the factor 1
/// where one of the two lengths is 0. As in Keras weight decay comes first, `p -= rate · weightDecay · p`; in the paper it is a part of `u`.
///
/// - SeeAlso: You et al., *Large Batch Optimization for Deep Learning* (2020), algorithm 2; Keras 3, `optimizers.Lamb`.
public final class Lamb: Optimizer {
  private let beta1: Double
  private let beta2: Double
  private let epsilon: Double

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - beta1: how much of the mean of gradients is kept at an update, 0 to 1.
  ///   - beta2: how much of the mean of squared gradients is kept, 0 to 1.
  ///   - epsilon: added to the root, so that nothing is divided by zero.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    requireBetas(beta1, beta2, of: "Lamb")
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number.
  public convenience init(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), beta1: beta1, beta2: beta2,
      epsilon: epsilon, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// `m` and `v`.
  public override var slots: [Slot] { [Slot("momentum"), Slot("velocity")] }

  /// The new values, in operations on tensors: a step depends on all elements of a parameter.
  public override func update(
    _ parameter: Tensor, gradient: Tensor, slots: [Tensor], step: Step
  ) -> (parameter: Tensor, slots: [Tensor]) {
    let dtype = parameter.dtype
    let m = slots[0] + (gradient - slots[0]) * (1 - beta1)
    let v = slots[1] + (square(gradient) - slots[1]) * (1 - beta2)
    let root = sqrt(v / step.correction(beta2).cast(to: dtype)) + epsilon
    let u = m / step.correction(beta1).cast(to: dtype) / root
    let ratio = trustRatio(parameter, u)
    return (parameter - u * (ratio * step.rate(dtype)), [m, v])
  }
}

/// `coefficient · ‖parameter‖ / (‖update‖ + epsilon)`, and 1 where one of the lengths is 0; a scalar of the parameter's type.
func trustRatio(
  _ parameter: Tensor, _ update: Tensor, coefficient: Double = 1, epsilon: Double = 0
) -> Tensor {
  let (length, updateLength) = (norm(parameter), norm(update))
  let ratio = length * coefficient / (updateLength + epsilon)
  return select(logicalAnd(length .> 0, updateLength .> 0), ratio, 1.0)
}
