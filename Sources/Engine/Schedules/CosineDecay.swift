import Tensors

/// A learning rate that falls along half a cosine, after a linear warm-up if there is one.
///
/// With `t = iterations / decaySteps`, at most 1: `start · ((1 − alpha) · ½(1 + cos πt) + alpha)`. With a
/// `warmupTarget` the rate first goes in a straight line from `initialLearningRate` to it in `warmupSteps` updates, and
/// the cosine starts there.
///
/// - SeeAlso: Loshchilov, Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts* (2017), eq. 5; Keras 3,
///   `optimizers.schedules.CosineDecay`.
public struct CosineDecay: LearningRateSchedule {
  /// The rate of the first update.
  public let initialValue: Double
  /// How many updates the cosine takes.
  public let decaySteps: Int
  /// The part of the rate that is left at the end.
  public let alpha: Double
  /// The rate after the warm-up; nil for none.
  public let warmupTarget: Double?
  /// How many updates the warm-up takes.
  public let warmupSteps: Int

  /// The schedule; no warm-up by default.
  public init(
    initialLearningRate: Double, decaySteps: Int, alpha: Double = 0, warmupTarget: Double? = nil,
    warmupSteps: Int = 0
  ) {
    requirePositive(decaySteps, "CosineDecay: decaySteps")
    // Without steps of a warm-up Keras begins with its target.
    initialValue = warmupSteps > 0 ? initialLearningRate : warmupTarget ?? initialLearningRate
    self.decaySteps = decaySteps
    self.alpha = alpha
    self.warmupTarget = warmupTarget
    self.warmupSteps = warmupSteps
  }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    let step = iterations.cast(to: .float64)
    guard let warmupTarget, warmupSteps > 0 else {
      return decayed(step, from: initialValue).cast(to: .float32)
    }
    let warm = step * ((warmupTarget - initialValue) / Double(warmupSteps)) + initialValue
    let late = decayed(maximum(step - Double(warmupSteps), 0), from: warmupTarget)
    return select(step .< Double(warmupSteps), warm, late).cast(to: .float32)
  }

  private func decayed(_ step: Tensor, from start: Double) -> Tensor {
    let done = minimum(step / Double(decaySteps), 1)
    return ((cos(done * Double.pi) + 1) * (0.5 * (1 - alpha)) + alpha) * start
  }
}

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
