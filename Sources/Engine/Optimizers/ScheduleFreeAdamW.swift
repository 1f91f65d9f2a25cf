import Tensors

/// ``AdamW`` without a schedule: gradients are taken between the steps `z` of Adam and their mean `x`.
///
/// The parameter is `y = (1 − β₁) z + β₁ x`. At update `t`, with a rate that grows to its value in `warmupSteps` updates:
/// `v += (g² − v)(1 − β₂)`, `z -= rate · g / (√(v / (1 − β₂ᵗ)) + ε)`, `x += (z − x) / t`. As in Keras a model is evaluated with `y`,
/// and weight decay acts on it.
///
/// - SeeAlso: Defazio et al., *The Road Less Scheduled* (2024), algorithm 1; Keras 3, `optimizers.ScheduleFreeAdamW`.
public final class ScheduleFreeAdamW: Optimizer {
  private let rule: Rule

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - beta1: the part of the mean in `y`, above 0 and at most 1.
  ///   - beta2: how much of the mean of squared gradients is kept, 0 to 1.
  ///   - epsilon: added to the root.
  ///   - warmupSteps: the number of updates until the rate has its value.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, warmupSteps: Int = 0, weightDecay: Double = 0,
    clipping: GradientClipping? = nil, options: OptimizerOptions = OptimizerOptions()
  ) {
    requireSetting(
      beta1 > 0 && beta1 <= 1, "ScheduleFreeAdamW: beta1", "above 0 and at most 1", beta1)
    requireSetting((0..<1).contains(beta2), "ScheduleFreeAdamW: beta2", "in 0..<1", beta2)
    requireSetting(warmupSteps >= 0, "ScheduleFreeAdamW: warmupSteps", "0 or more", warmupSteps)
    rule = Rule(beta1: beta1, beta2: beta2, epsilon: epsilon, warmupSteps: warmupSteps)
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.0025 or another number.
  public convenience init(
    learningRate: Double = 0.0025, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, warmupSteps: Int = 0, weightDecay: Double = 0,
    clipping: GradientClipping? = nil, options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), beta1: beta1, beta2: beta2,
      epsilon: epsilon, warmupSteps: warmupSteps, weightDecay: weightDecay, clipping: clipping,
      options: options)
  }

  /// `z`, which begins with the parameter's value, and `v`; Keras's names.
  public override var slots: [Slot] { [.copy("momentum"), Slot("velocity")] }

  /// The rule, for one sweep over all parameters.
  public override var updateRule: (any UpdateRule)? { rule }

  private struct Rule: UpdateRule {
    let beta1: Double
    let beta2: Double
    let epsilon: Double
    let warmupSteps: Int

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      let warm = warmupSteps == 0 ? 1 : min(Double(iteration) / Double(warmupSteps), 1)
      UpdateKernels.scheduleFree(
        dtype, parameter, gradient, step: slots[0], second: slots[1],
        learningRate: learningRate * warm, betas: (beta1, beta2), epsilon: epsilon,
        correction: correction(beta2, iteration), weight: 1 / Double(iteration), count: count)
    }
  }
}
