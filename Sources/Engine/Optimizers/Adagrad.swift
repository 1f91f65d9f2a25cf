import Tensors

/// Each parameter's step is divided by the root of the sum of all its squared gradients: `a += g²`, `p -= rate · g / √(a + ε)`.
///
/// - SeeAlso: Duchi, Hazan, Singer, *Adaptive Subgradient Methods for Online Learning and Stochastic Optimization* (2011), §1;
///   Keras 3, `optimizers.Adagrad`.
public final class Adagrad: Optimizer {
  private let rule: Rule
  private let initialAccumulatorValue: Double

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - initialAccumulatorValue: `a` before the first update, 0 or more.
  ///   - epsilon: added under the root.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, initialAccumulatorValue: Double = 0.1,
    epsilon: Double = 1e-7, weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    requireSetting(
      initialAccumulatorValue >= 0, "Adagrad: initialAccumulatorValue", "0 or more",
      initialAccumulatorValue)
    self.initialAccumulatorValue = initialAccumulatorValue
    rule = Rule(epsilon: epsilon)
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number.
  public convenience init(
    learningRate: Double = 0.001, initialAccumulatorValue: Double = 0.1, epsilon: Double = 1e-7,
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate),
      initialAccumulatorValue: initialAccumulatorValue, epsilon: epsilon, weightDecay: weightDecay,
      clipping: clipping, options: options)
  }

  /// The sum `a`.
  public override var slots: [Slot] {
    [Slot("accumulator", initial: initialAccumulatorValue)]
  }

  /// The rule, for one sweep over all parameters.
  public override var updateRule: (any UpdateRule)? { rule }

  private struct Rule: UpdateRule {
    let epsilon: Double

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      UpdateKernels.adagrad(
        dtype, parameter, gradient, sum: slots[0], learningRate: learningRate, epsilon: epsilon,
        count: count)
    }
  }
}
