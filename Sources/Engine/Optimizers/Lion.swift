import Tensors

/// Steps of one length: `p -= rate · sign(β₁ m + (1 − β₁) g)`, then `m = β₂ m + (1 − β₂) g`.
///
/// Its rate is to be some 3 to 10 times smaller than ``Adam``'s, and its weight decay as many times larger.
///
/// - SeeAlso: Chen et al., *Symbolic Discovery of Optimization Algorithms* (2023), algorithm 2; Keras 3, `optimizers.Lion`.
public final class Lion: Optimizer {
  private let rule: Rule

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - beta1: the part of `m` in the direction, above 0 and at most 1.
  ///   - beta2: how much of `m` is kept at an update.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    requireSetting(beta1 > 0 && beta1 <= 1, "Lion: beta1", "above 0 and at most 1", beta1)
    requireSetting((0..<1).contains(beta2), "Lion: beta2", "in 0..<1", beta2)
    rule = Rule(beta1: beta1, beta2: beta2)
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number.
  public convenience init(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), beta1: beta1, beta2: beta2,
      weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// `m`.
  public override var slots: [Slot] { [Slot("momentum")] }

  /// The rule, for one sweep over all parameters.
  public override var updateRule: (any UpdateRule)? { rule }

  private struct Rule: UpdateRule {
    let beta1: Double
    let beta2: Double

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      UpdateKernels.lion(
        dtype, parameter, gradient, momentum: slots[0], learningRate: learningRate,
        betas: (beta1, beta2), count: count)
    }
  }
}
