import Tensors

/// Follow the regularized leader: what an L1 penalty brings to zero is zero exactly.
///
/// With `k = −learningRatePower`, `l₂ = l2RegularizationStrength + beta / (2 rate)` and `s = a + g²`:
/// `z += g + 2 · l2ShrinkageRegularizationStrength · p − (sᵏ − aᵏ) / rate · p`, `a = s`, and
/// `p = (clip(z, −l1, l1) − z) / (sᵏ / rate + 2 l₂)`, with `l1 = l1RegularizationStrength`. The first update makes nothing of
/// the initial value of a parameter.
///
/// - SeeAlso: McMahan et al., *Ad Click Prediction: a View from the Trenches* (2013), algorithm 1; Keras 3, `optimizers.Ftrl`.
public final class Ftrl: Optimizer {
  private let rule: Rule
  private let initialAccumulatorValue: Double

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - learningRatePower: how the rate falls with the sum of squared gradients, 0 or less.
  ///   - initialAccumulatorValue: `a` before the first update, 0 or more.
  ///   - l1RegularizationStrength: 0 or more.
  ///   - l2RegularizationStrength: 0 or more.
  ///   - l2ShrinkageRegularizationStrength: of a penalty that acts on gradients only, 0 or more.
  ///   - beta: added to `sᵏ` as in the paper.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, learningRatePower: Double = -0.5,
    initialAccumulatorValue: Double = 0.1, l1RegularizationStrength: Double = 0,
    l2RegularizationStrength: Double = 0, l2ShrinkageRegularizationStrength: Double = 0,
    beta: Double = 0, weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    requireSetting(
      learningRatePower <= 0, "Ftrl: learningRatePower", "0 or less", learningRatePower)
    requireSetting(
      initialAccumulatorValue >= 0, "Ftrl: initialAccumulatorValue", "0 or more",
      initialAccumulatorValue)
    requireSetting(
      l1RegularizationStrength >= 0, "Ftrl: l1RegularizationStrength", "0 or more",
      l1RegularizationStrength)
    requireSetting(
      l2RegularizationStrength >= 0, "Ftrl: l2RegularizationStrength", "0 or more",
      l2RegularizationStrength)
    requireSetting(
      l2ShrinkageRegularizationStrength >= 0, "Ftrl: l2ShrinkageRegularizationStrength",
      "0 or more", l2ShrinkageRegularizationStrength)
    self.initialAccumulatorValue = initialAccumulatorValue
    rule = Rule(
      power: -learningRatePower, l1: l1RegularizationStrength, l2: l2RegularizationStrength,
      shrinkage: l2ShrinkageRegularizationStrength, beta: beta)
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number.
  public convenience init(
    learningRate: Double = 0.001, learningRatePower: Double = -0.5,
    initialAccumulatorValue: Double = 0.1, l1RegularizationStrength: Double = 0,
    l2RegularizationStrength: Double = 0, l2ShrinkageRegularizationStrength: Double = 0,
    beta: Double = 0, weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), learningRatePower: learningRatePower,
      initialAccumulatorValue: initialAccumulatorValue,
      l1RegularizationStrength: l1RegularizationStrength,
      l2RegularizationStrength: l2RegularizationStrength,
      l2ShrinkageRegularizationStrength: l2ShrinkageRegularizationStrength, beta: beta,
      weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// `a` and `z`; Keras's names.
  public override var slots: [Slot] {
    [Slot("accumulator", initial: initialAccumulatorValue), Slot("linear")]
  }

  /// The rule, for one sweep over all parameters.
  public override var updateRule: (any UpdateRule)? { rule }

  private struct Rule: UpdateRule {
    let power: Double
    let l1: Double
    let l2: Double
    let shrinkage: Double
    let beta: Double

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      UpdateKernels.ftrl(
        dtype, parameter, gradient, sum: slots[0], linear: slots[1], learningRate: learningRate,
        power: power, l1: l1, l2: l2 + beta / (2 * learningRate), shrinkage: shrinkage,
        count: count)
    }
  }
}
