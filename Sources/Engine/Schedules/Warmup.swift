import Tensors

/// A learning rate that goes in a straight line from one value to the first one of another schedule, which follows.
///
/// At update `t`, counted from 0: `start + (first − start) · t / warmupSteps` up to `warmupSteps`, then what the schedule says for update `t − warmupSteps`.
///
/// - SeeAlso: Goyal et al., *Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour* (2017), §2.2; Optax,
///   `join_schedules([linear_schedule(start, first, steps), schedule], [steps])`.
public struct LinearWarmup: LearningRateSchedule {
  /// How many updates the warm-up takes.
  public let warmupSteps: Int
  /// The rate of the first update.
  public let initialValue: Double
  /// What follows.
  public let schedule: any LearningRateSchedule

  /// A warm-up before `schedule`.
  ///
  /// - Parameters:
  ///   - warmupSteps: 1 or more, else it fails with ``EngineError/invalidArgument(message:)``.
  ///   - initialLearningRate: the rate of the first update.
  ///   - schedule: what follows, from its first update on.
  public init(
    warmupSteps: Int, initialLearningRate: Double = 0, then schedule: any LearningRateSchedule
  ) {
    requirePositive(warmupSteps, "LinearWarmup: warmupSteps")
    self.warmupSteps = warmupSteps
    initialValue = initialLearningRate
    self.schedule = schedule
  }

  /// A warm-up to a rate that stays.
  public init(warmupSteps: Int, initialLearningRate: Double = 0, then learningRate: Double) {
    self.init(
      warmupSteps: warmupSteps, initialLearningRate: initialLearningRate,
      then: ConstantLearningRate(learningRate))
  }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    let done = progress(iterations, over: warmupSteps)
    let warm = done * (schedule.initialValue - initialValue) + initialValue
    let late = schedule.value(at: later(iterations, by: warmupSteps))
    return select(done .< 1, warm.cast(to: .float32), late)
  }
}

/// The number of updates after `start`, 0 before it; an int64 scalar.
func later(_ iterations: Tensor, by start: Int) -> Tensor {
  maximum(iterations.cast(to: .int64) - Tensor(Int64(start)), Tensor(Int64(0)))
}

/// The learning rate of one replica times their number: for batches that are as many times as large.
///
/// The factor grows in a straight line from 1 to `replicas` in `warmupSteps` updates (five epochs in the paper). Batch sizes of `fit` are those of all
/// ranks together: scale the rate where `batchSize` is multiplied by the number of ranks, and not where it stays.
///
/// - SeeAlso: Goyal et al., *Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour* (2017), §2.1 and §2.2.
public struct LinearScaling: LearningRateSchedule {
  /// The rate of one replica.
  public let schedule: any LearningRateSchedule
  /// What the rate is multiplied by in the end.
  public let replicas: Int
  /// How many updates it takes until then.
  public let warmupSteps: Int

  /// A schedule times a number of replicas.
  ///
  /// - Parameters:
  ///   - schedule: the rate of one replica.
  ///   - replicas: 1 or more, else it fails with ``EngineError/invalidArgument(message:)``; the number of ranks unless given.
  ///   - warmupSteps: the number of updates until the whole factor counts; 0 for at once.
  public init(_ schedule: any LearningRateSchedule, replicas: Int? = nil, warmupSteps: Int = 0) {
    let replicas = replicas ?? DistributionContext.strategy.replicaCount
    requirePositive(replicas, "LinearScaling: replicas")
    requirePositive(warmupSteps + 1, "LinearScaling: warmupSteps + 1")
    self.schedule = schedule
    self.replicas = replicas
    self.warmupSteps = warmupSteps
  }

  /// A rate that stays, times a number of replicas.
  public init(_ learningRate: Double, replicas: Int? = nil, warmupSteps: Int = 0) {
    self.init(ConstantLearningRate(learningRate), replicas: replicas, warmupSteps: warmupSteps)
  }

  /// The rate of the first update.
  public var initialValue: Double {
    schedule.initialValue * (warmupSteps == 0 ? Double(replicas) : 1)
  }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    let rate = schedule.value(at: iterations).cast(to: .float64)
    guard warmupSteps > 0 else { return (rate * Double(replicas)).cast(to: .float32) }
    let done = minimum(progress(iterations, over: warmupSteps), 1)
    return (rate * (done * Double(replicas - 1) + 1)).cast(to: .float32)
  }
}
