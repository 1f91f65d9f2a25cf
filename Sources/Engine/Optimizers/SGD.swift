import Tensors

/// Gradient descent, with momentum or not.
///
/// Without momentum `p -= rate · g`. With it `v = momentum · v − rate · g` and `p += v`, or with `nesterov`
/// `p += momentum · v − rate · g`. Weight decay is decoupled: `p -= rate · weightDecay · p` first.
///
/// - SeeAlso: Sutskever, Martens, Dahl, Hinton, *On the importance of initialization and momentum in deep learning*
///   (2013), §2; Keras 3, `optimizers.SGD`.
public final class SGD: Optimizer {
  private let rule: Rule

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - momentum: 0 (none) or more, less than 1.
  ///   - nesterov: whether to look ahead; no effect without momentum.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, momentum: Double = 0, nesterov: Bool = false,
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    if !(0..<1).contains(momentum) {
      fail(EngineError.argument("momentum", of: "SGD", must: "be in 0..<1", found: "\(momentum)"))
    }
    rule = Rule(momentum: momentum, nesterov: nesterov)
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.01 or another number.
  public convenience init(
    learningRate: Double = 0.01, momentum: Double = 0, nesterov: Bool = false,
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), momentum: momentum, nesterov: nesterov,
      weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The velocity `v`, if there is momentum.
  public override var slots: [Slot] { rule.momentum == 0 ? [] : [Slot("velocity")] }

  /// The rule, for one sweep over all parameters.
  public override var updateRule: (any UpdateRule)? { rule }

  private struct Rule: UpdateRule {
    let momentum: Double
    let nesterov: Bool

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      if momentum == 0 {
        UpdateKernels.sgd(dtype, parameter, gradient, learningRate: learningRate, count: count)
      } else {
        UpdateKernels.momentum(
          dtype, parameter, gradient, slots[0], learningRate: learningRate, momentum: momentum,
          nesterov: nesterov, count: count)
      }
    }
  }
}
