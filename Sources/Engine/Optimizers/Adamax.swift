import Tensors

/// ``Adam`` with the largest of recent gradients, each of which decays, in the place of their mean square.
///
/// At update `t`: `m += (g − m)(1 − β₁)`, `u = max(β₂ u, |g|)`, `p -= rate / (1 − β₁ᵗ) · m / (u + ε)`.
///
/// - SeeAlso: Kingma, Ba, *Adam: A Method for Stochastic Optimization* (2015), §7.1; Keras 3, `optimizers.Adamax`.
public final class Adamax: Optimizer {
  private let rule: Rule

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - beta1: how much of the mean of gradients is kept at an update, 0 to 1.
  ///   - beta2: how much of the largest gradient is kept, 0 to 1.
  ///   - epsilon: added to the divisor.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    requireBetas(beta1, beta2, of: "Adamax")
    rule = Rule(beta1: beta1, beta2: beta2, epsilon: epsilon)
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

  /// `m` and `u`; Keras's names.
  public override var slots: [Slot] { [Slot("momentum"), Slot("norm")] }

  /// The rule, for one sweep over all parameters.
  public override var updateRule: (any UpdateRule)? { rule }

  private struct Rule: UpdateRule {
    let beta1: Double
    let beta2: Double
    let epsilon: Double

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      UpdateKernels.adamax(
        dtype, parameter, gradient, momentum: slots[0], largest: slots[1],
        rate: learningRate / correction(beta1, iteration), betas: (beta1, beta2),
        epsilon: epsilon, count: count)
    }
  }
}
