import Tensors

/// Adaptive moments: each parameter's step is scaled by the size of its recent gradients.
///
/// At update `t`: `m += (g − m)(1 − β₁)`, `v += (g² − v)(1 − β₂)`,
/// `p -= rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)`. With `amsgrad` the largest `v` so far stands under the root.
/// Weight decay is decoupled: `p -= rate · weightDecay · p` first.
///
/// - SeeAlso: Kingma, Ba, *Adam: A Method for Stochastic Optimization* (2015), end of §2; Reddi, Kale, Kumar, *On the
///   Convergence of Adam and Beyond* (2018); Keras 3, `optimizers.Adam`.
public class Adam: Optimizer {
  private let rule: Rule

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - beta1: how much of the mean of gradients is kept at an update, 0 to 1.
  ///   - beta2: how much of the mean of squared gradients is kept, 0 to 1.
  ///   - epsilon: added to the root, so that nothing is divided by zero.
  ///   - amsgrad: whether to divide by the largest mean so far.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0,
    clipping: GradientClipping? = nil, options: OptimizerOptions = OptimizerOptions()
  ) {
    requireBetas(beta1, beta2, of: "Adam")
    rule = Rule(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number.
  public convenience init(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0,
    clipping: GradientClipping? = nil, options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), beta1: beta1, beta2: beta2,
      epsilon: epsilon, amsgrad: amsgrad, weightDecay: weightDecay, clipping: clipping,
      options: options)
  }

  /// `m` and `v`, and the largest `v` with `amsgrad`; Keras's names.
  public override var slots: [Slot] {
    [Slot("momentum"), Slot("velocity")] + (rule.amsgrad ? [Slot("velocity_hat")] : [])
  }

  /// The rule, for one sweep over all parameters.
  public override var updateRule: (any UpdateRule)? { rule }

  struct Rule: UpdateRule {
    let beta1: Double
    let beta2: Double
    let epsilon: Double
    let amsgrad: Bool

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      UpdateKernels.adam(
        dtype, parameter, gradient, first: slots[0], second: slots[1],
        largest: amsgrad ? slots[2] : nil, learningRate: learningRate, betas: (beta1, beta2),
        epsilon: epsilon,
        corrections: (correction(beta1, iteration), correction(beta2, iteration)), count: count)
    }
  }
}

/// Fails with ``EngineError/invalidArgument(message:)`` unless both numbers say how much of a mean is kept: 0 or more, less than 1.
func requireBetas(_ beta1: Double, _ beta2: Double, of optimizer: String) {
  if (0..<1).contains(beta1), (0..<1).contains(beta2) { return }
  fail(
    EngineError.argument(
      "beta1 and beta2", of: optimizer, must: "be in 0..<1", found: "\(beta1) and \(beta2)"))
}
