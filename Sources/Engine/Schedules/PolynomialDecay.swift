import Tensors

/// A learning rate that goes from one value to another along a power: `(initial − end) · (1 − t)^power + end` with
/// `t = iterations / decaySteps`, at most 1.
///
/// - SeeAlso: Keras, `optimizers.schedules.PolynomialDecay`.
public struct PolynomialDecay: LearningRateSchedule {
  /// The rate of the first update.
  public let initialValue: Double
  /// How many updates until the end is reached.
  public let decaySteps: Int
  /// The rate at the end.
  public let endLearningRate: Double
  /// 1 for a straight line.
  public let power: Double
  /// Whether to start again, each time over a longer stretch, instead of staying at the end.
  public let cycle: Bool

  /// The schedule; Keras's defaults.
  public init(
    initialLearningRate: Double, decaySteps: Int, endLearningRate: Double = 0.0001,
    power: Double = 1, cycle: Bool = false
  ) {
    requirePositive(decaySteps, "PolynomialDecay: decaySteps")
    initialValue = initialLearningRate
    self.decaySteps = decaySteps
    self.endLearningRate = endLearningRate
    self.power = power
    self.cycle = cycle
  }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    let periods = progress(iterations, over: decaySteps)
    // In a cycle the end moves to the next multiple of the period; at the start to the first.
    let done = cycle ? periods / maximum(ceil(periods), 1) : minimum(periods, 1)
    let rate = pow(1.0 - done, power) * (initialValue - endLearningRate) + endLearningRate
    return rate.cast(to: .float32)
  }
}
