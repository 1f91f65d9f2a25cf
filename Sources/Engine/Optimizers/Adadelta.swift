import Tensors

/// Steps as large as recent steps, relative to recent gradients.
///
/// `v = rho · v + (1 − rho) g²`, `s = √(d + ε) / √(v + ε) · g`, `d = rho · d + (1 − rho) s²`, `p -= rate · s`. The paper has a rate of 1.
///
/// - SeeAlso: Zeiler, *ADADELTA: An Adaptive Learning Rate Method* (2012), algorithm 1; Keras 3, `optimizers.Adadelta`.
public final class Adadelta: Optimizer {
  private let rule: Rule

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - rho: how much of a mean is kept at an update.
  ///   - epsilon: added under the roots.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, rho: Double = 0.95, epsilon: Double = 1e-7,
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    requireSetting((0..<1).contains(rho), "Adadelta: rho", "in 0..<1", rho)
    rule = Rule(rho: rho, epsilon: epsilon)
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number.
  public convenience init(
    learningRate: Double = 0.001, rho: Double = 0.95, epsilon: Double = 1e-7,
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), rho: rho, epsilon: epsilon,
      weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// `v` and `d`; Keras's names.
  public override var slots: [Slot] {
    [Slot("accumulated_grad"), Slot("accumulated_delta_var")]
  }

  /// The rule, for one sweep over all parameters.
  public override var updateRule: (any UpdateRule)? { rule }

  private struct Rule: UpdateRule {
    let rho: Double
    let epsilon: Double

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      UpdateKernels.adadelta(
        dtype, parameter, gradient, gradients: slots[0], steps: slots[1],
        learningRate: learningRate, rho: rho, epsilon: epsilon, count: count)
    }
  }
}
