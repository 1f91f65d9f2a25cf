import Tensors

/// Each parameter's step is divided by the root of the mean of its recent squared gradients.
///
/// `v = rho · v + (1 − rho) g²` and `s = rate · g / √(v + ε)`; `p -= s`, or with momentum `m = momentum · m + s` and `p -= m`.
/// `centered` puts the variance `v − a²` in the place of `v`, with `a = rho · a + (1 − rho) g`.
///
/// - SeeAlso: Hinton, *Neural Networks for Machine Learning* (2012), lecture 6e; Graves, *Generating Sequences With Recurrent Neural
///   Networks* (2013), eq. 38; Keras 3, `optimizers.RMSprop`, whose ε lies under the root, unlike PyTorch's.
public final class RMSprop: Optimizer {
  private let rule: Rule

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - rho: how much of a mean is kept at an update.
  ///   - momentum: 0 (none) or more, less than 1.
  ///   - epsilon: added under the root.
  ///   - centered: whether to divide by the deviation of gradients instead of their size.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, rho: Double = 0.9, momentum: Double = 0,
    epsilon: Double = 1e-7, centered: Bool = false, weightDecay: Double = 0,
    clipping: GradientClipping? = nil, options: OptimizerOptions = OptimizerOptions()
  ) {
    requireSetting((0..<1).contains(rho), "RMSprop: rho", "in 0..<1", rho)
    requireSetting((0..<1).contains(momentum), "RMSprop: momentum", "in 0..<1", momentum)
    rule = Rule(rho: rho, momentum: momentum, epsilon: epsilon, centered: centered)
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number.
  public convenience init(
    learningRate: Double = 0.001, rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7,
    centered: Bool = false, weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), rho: rho, momentum: momentum,
      epsilon: epsilon, centered: centered, weightDecay: weightDecay, clipping: clipping,
      options: options)
  }

  /// `v`, and `m` with momentum, and `a` where it is centered; Keras's names.
  public override var slots: [Slot] {
    [Slot("velocity")] + (rule.momentum == 0 ? [] : [Slot("momentum")])
      + (rule.centered ? [Slot("average_gradient")] : [])
  }

  /// The rule, for one sweep over all parameters.
  public override var updateRule: (any UpdateRule)? { rule }

  private struct Rule: UpdateRule {
    let rho: Double
    let momentum: Double
    let epsilon: Double
    let centered: Bool

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      let hasMomentum = momentum != 0
      UpdateKernels.rmsprop(
        dtype, parameter, gradient, velocity: slots[0], momentum: hasMomentum ? slots[1] : nil,
        mean: centered ? slots[hasMomentum ? 2 : 1] : nil, learningRate: learningRate, rho: rho,
        kept: momentum, epsilon: epsilon, count: count)
    }
  }
}
