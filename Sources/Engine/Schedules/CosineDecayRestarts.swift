import Tensors

/// A learning rate that falls along half a cosine again and again.
///
/// Each period is `periodFactor` times as long as the one before and starts at `rateFactor` times its rate.
///
/// - SeeAlso: Loshchilov, Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts* (2017), §3; Keras,
///   `optimizers.schedules.CosineDecayRestarts`.
public struct CosineDecayRestarts: LearningRateSchedule {
  /// The rate of the first update.
  public let initialValue: Double
  /// How many updates the first period takes.
  public let firstDecaySteps: Int
  /// How many times as long the next period is (Keras's `t_mul`).
  public let periodFactor: Double
  /// By what the rate is multiplied at a restart (Keras's `m_mul`).
  public let rateFactor: Double
  /// The part of the rate that is left at the end of a period.
  public let alpha: Double

  /// The schedule; Keras's defaults.
  public init(
    initialLearningRate: Double, firstDecaySteps: Int, periodFactor: Double = 2,
    rateFactor: Double = 1, alpha: Double = 0
  ) {
    requirePositive(firstDecaySteps, "CosineDecayRestarts: firstDecaySteps")
    initialValue = initialLearningRate
    self.firstDecaySteps = firstDecaySteps
    self.periodFactor = periodFactor
    self.rateFactor = rateFactor
    self.alpha = alpha
  }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    let periods = progress(iterations, over: firstDecaySteps)
    let restarts: Tensor
    let done: Tensor
    if periodFactor == 1 {
      restarts = floor(periods)
      done = periods - restarts
    } else {
      // After k restarts (1 − fᵏ)/(1 − f) first periods have gone by.
      let growth = Tensor(periodFactor, dtype: .float64)
      // The small number keeps a rounded quotient of 1.999… from missing the restart by one update.
      restarts = floor(log(1.0 - periods * (1 - periodFactor)) / log(growth) + 1e-9)
      let length = pow(growth, restarts)
      done = (periods - (1.0 - length) / (1 - periodFactor)) / length
    }
    let start = pow(Tensor(rateFactor, dtype: .float64), restarts) * (0.5 * (1 - alpha))
    let rate = ((cos(done * Double.pi) + 1) * start + alpha) * initialValue
    return rate.cast(to: .float32)
  }
}
