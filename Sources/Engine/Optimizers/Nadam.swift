import Tensors

/// ``Adam`` with Nesterov's momentum.
///
/// With `uₜ = β₁(1 − ½ · 0.96ᵗ)` and `Uₜ = u₁ · … · uₜ`, and moments `m`, `v` as Adam's:
/// `p -= rate · (uₜ₊₁ m / (1 − Uₜ₊₁) + (1 − uₜ) g / (1 − Uₜ)) / (√(v / (1 − β₂ᵗ)) + ε)`.
///
/// - SeeAlso: Dozat, *Incorporating Nesterov Momentum into Adam* (2016); Keras 3, `optimizers.Nadam`.
public final class Nadam: Optimizer {
  private let rule: Rule

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
    requireBetas(beta1, beta2, of: "Nadam")
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

  /// `m` and `v`. `U` follows from the number of the update (Keras keeps it in a variable).
  public override var slots: [Slot] { [Slot("momentum"), Slot("velocity")] }

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
      let (u, next) = (beta1 * Self.factor(iteration), beta1 * Self.factor(iteration + 1))
      let product = (1 - correction(beta1, iteration)) * Self.product(iteration)
      UpdateKernels.nadam(
        dtype, parameter, gradient, first: slots[0], second: slots[1],
        rates: (
          learningRate * next / (1 - product * next), learningRate * (1 - u) / (1 - product)
        ),
        betas: (beta1, beta2), epsilon: epsilon, correction: correction(beta2, iteration),
        count: count)
    }

    /// `1 − ½ · 0.96ᵗ`.
    private static func factor(_ iteration: Int) -> Double { factors[min(iteration, last)] }

    /// The product of all factors up to update t.
    private static func product(_ iteration: Int) -> Double { products[min(iteration, last)] }

    /// From here on a factor is 1 in float64.
    private static let last = 1024

    private static let factors = (0...last).map { index in
      1 - 0.5 * (0..<index).reduce(1.0) { power, _ in power * 0.96 }
    }

    private static let products = factors.dropFirst().reduce(into: [1.0]) { products, factor in
      products.append((products.last ?? 1) * factor)
    }
  }
}
