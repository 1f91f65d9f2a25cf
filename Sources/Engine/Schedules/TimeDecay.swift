import Tensors

/// A learning rate that is multiplied by `decayRate` every `decaySteps` updates:
/// `initial · decayRate^(iterations / decaySteps)`.
///
/// - SeeAlso: Keras, `optimizers.schedules.ExponentialDecay`.
public struct ExponentialDecay: LearningRateSchedule {
  /// The rate of the first update.
  public let initialValue: Double
  /// How many updates until the rate was multiplied once.
  public let decaySteps: Int
  /// What the rate is multiplied by every ``decaySteps`` updates.
  public let decayRate: Double
  /// Whether the rate changes only every `decaySteps` updates.
  public let staircase: Bool

  /// A schedule; `decaySteps` below 1 fail with ``EngineError/invalidArgument(message:)``.
  public init(
    initialLearningRate: Double, decaySteps: Int, decayRate: Double, staircase: Bool = false
  ) {
    requirePositive(decaySteps, "ExponentialDecay: decaySteps")
    initialValue = initialLearningRate
    self.decaySteps = decaySteps
    self.decayRate = decayRate
    self.staircase = staircase
  }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    let exponent = progress(iterations, over: decaySteps, staircase: staircase)
    return (pow(Tensor(decayRate, dtype: .float64), exponent) * initialValue).cast(to: .float32)
  }
}

/// `iterations / steps` in float64, in which every count is exact; rounded down where a rate changes only every `steps` updates.
func progress(_ iterations: Tensor, over steps: Int, staircase: Bool = false) -> Tensor {
  let periods = iterations.cast(to: .float64) / Double(steps)
  return staircase ? floor(periods) : periods
}

/// Fails with ``EngineError/invalidArgument(message:)`` unless `value` is 1 at least.
func requirePositive(_ value: Int, _ what: String) {
  if value < 1 {
    fail(EngineError.invalidArgument(message: "\(what) must be at least 1, got \(value)"))
  }
}

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

  /// A schedule; `decaySteps` below 1 fail with ``EngineError/invalidArgument(message:)``.
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
    let time = progress(iterations, over: decaySteps, staircase: staircase)
    return (initialValue / (time * decayRate + 1)).cast(to: .float32)
  }
}
