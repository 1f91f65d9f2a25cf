import Tensors

/// Adaptive steps with little memory: of a matrix only the means of squared gradients over rows and over columns are kept.
///
/// At update `t`, with `ρ = min(rate, 1/√t)` (`rate` itself without `relativeStep`), `β = 1 − t^beta2Decay` and `s = g² + epsilon1`: the means are
/// `r = β r + (1 − β) mean(s, last axis)`, `c = β c + (1 − β) mean(s, last axis but one)` and `v = r c / mean(r)`; of vectors and scalars
/// `v = β v + (1 − β) s`. With `u = g / √v` and `rms` the root of the mean of squares:
/// `p -= ρ · max(epsilon2, rms(p)) · u / max(1, rms(u) / clipThreshold)`.
///
/// - Note: Departs from Keras: without `relativeStep` the rate is `rate` itself, as Keras documents it; Keras 3.15 takes `min(rate, 1/√t)` there too.
///   `v` of matrices is not kept in memory; Keras keeps it.
/// - SeeAlso: Shazeer, Stern, *Adafactor: Adaptive Learning Rates with Sublinear Memory Cost* (2018), algorithms 4 and 5; Keras 3,
///   `optimizers.Adafactor`.
public final class Adafactor: Optimizer {
  private let beta2Decay: Double
  private let epsilon1: Double
  private let epsilon2: Double
  private let clipThreshold: Double
  private let relativeStep: Bool

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - beta2Decay: the exponent of β, below 0.
  ///   - epsilon1: added to squared gradients.
  ///   - epsilon2: the least size of a parameter.
  ///   - clipThreshold: the largest `rms` of an update.
  ///   - relativeStep: whether the rate falls as 1/√t at least.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, beta2Decay: Double = -0.8, epsilon1: Double = 1e-30,
    epsilon2: Double = 0.001, clipThreshold: Double = 1, relativeStep: Bool = true,
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    requireSetting(clipThreshold > 0, "Adafactor: clipThreshold", "above 0", clipThreshold)
    self.beta2Decay = beta2Decay
    self.epsilon1 = epsilon1
    self.epsilon2 = epsilon2
    self.clipThreshold = clipThreshold
    self.relativeStep = relativeStep
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number.
  public convenience init(
    learningRate: Double = 0.001, beta2Decay: Double = -0.8, epsilon1: Double = 1e-30,
    epsilon2: Double = 0.001, clipThreshold: Double = 1, relativeStep: Bool = true,
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), beta2Decay: beta2Decay, epsilon1: epsilon1,
      epsilon2: epsilon2, clipThreshold: clipThreshold, relativeStep: relativeStep,
      weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// `r` and `c` of what has two axes or more, `v` of the rest.
  public override var slots: [Slot] {
    [
      Slot("row") { $0.shape.count < 2 ? nil : Shape($0.shape.dropLast()) },
      Slot("column") {
        $0.shape.count < 2 ? nil : Shape($0.shape.dropLast(2) + [$0.shape[-1]])
      },
      Slot("velocity") { $0.shape.count < 2 ? $0.shape : nil },
    ]
  }

  /// The new values, in operations on tensors: a step depends on all elements of a parameter.
  public override func update(
    _ parameter: Tensor, gradient: Tensor, slots: [Tensor], step: Step
  ) -> (parameter: Tensor, slots: [Tensor]) {
    let dtype = parameter.dtype
    let t = step.iteration.cast(to: .float64)
    let rest = pow(t, beta2Decay).cast(to: dtype)
    let kept = 1.0 - rest
    var rate = step.learningRate.cast(to: .float64)
    if relativeStep { rate = minimum(rate, rsqrt(t)) }
    let squares = square(gradient) + epsilon1
    var (row, column, v) = (slots[0], slots[1], slots[2])
    let u: Tensor
    if parameter.shape.count >= 2 {
      row = row * kept + mean(squares, axis: -1) * rest
      column = column * kept + mean(squares, axis: -2) * rest
      let share = row / mean(row, axis: -1, keepDims: true)
      u = gradient / sqrt(share.expandDims(axis: -1) * column.expandDims(axis: -2))
    } else {
      v = v * kept + squares * rest
      u = gradient / sqrt(v)
    }
    let size = maximum(rms(parameter), epsilon2) * rate.cast(to: dtype)
    let clipped = size / maximum(rms(u) / clipThreshold, 1)
    return (parameter - u * clipped, [row, column, v])
  }

  private func rms(_ x: Tensor) -> Tensor { sqrt(mean(square(x))) }
}
