import Tensors

/// A learning rate that falls like one over time: `initial / (1 + decayRate · iterations / decaySteps)`.
///
/// - SeeAlso: Keras, `optimizers.schedules.InverseTimeDecay`.
public struct InverseTimeDecay: LearningRateSchedule {
  /// The rate of the first update.
  public let initialValue: Double
  /// How many updates count as 1.
  public let decaySteps: Int
  /// How much is added to the divisor every `decaySteps` updates.
  public let decayRate: Double
  /// Whether the rate changes only every `decaySteps` updates.
  public let staircase: Bool

  /// The schedule.
  public init(
    initialLearningRate: Double, decaySteps: Int, decayRate: Double, staircase: Bool = false
  ) {
    requirePositive(decaySteps, "InverseTimeDecay: decaySteps")
    initialValue = initialLearningRate
    self.decaySteps = decaySteps
    self.decayRate = decayRate
    self.staircase = staircase
  }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    let periods = progress(iterations, over: decaySteps)
    let time = staircase ? floor(periods) : periods
    return (initialValue / (time * decayRate + 1)).cast(to: .float32)
  }
}
