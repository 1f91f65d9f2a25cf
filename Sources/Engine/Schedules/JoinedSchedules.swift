import Tensors

/// Schedules one after the other: `schedules[i]` up to update `boundaries[i]`, counted from 0, and from that update on the next one, from its first
/// update on.
///
/// - SeeAlso: Optax, `join_schedules`.
public struct JoinedSchedules: LearningRateSchedule {
  /// The schedules, in order.
  public let schedules: [any LearningRateSchedule]
  /// The updates with which a schedule begins, one less than schedules, increasing.
  public let boundaries: [Int]

  /// A sequence of `schedules`, one more than `boundaries`, which increase; else it fails with
  /// ``EngineError/invalidArgument(message:)``.
  public init(_ schedules: [any LearningRateSchedule], boundaries: [Int]) {
    let isRising = zip(boundaries, boundaries.dropFirst()).allSatisfy { $0 < $1 }
    if schedules.count != boundaries.count + 1 || !isRising || (boundaries.first ?? 1) < 1 {
      fail(
        EngineError.invalidArgument(
          message:
            "JoinedSchedules: needs increasing boundaries from 1 on and one schedule more, got "
            + "\(boundaries) and \(schedules.count) schedules"))
    }
    self.schedules = schedules
    self.boundaries = boundaries
  }

  /// The rate of the first update.
  public var initialValue: Double { schedules.first?.initialValue ?? 0 }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    guard var rate = schedules.first?.value(at: iterations) else { return Tensor(0.0) }
    for (boundary, schedule) in zip(boundaries, schedules.dropFirst()) {
      let own = schedule.value(at: later(iterations, by: boundary))
      rate = select(iterations .< boundary, rate, own)
    }
    return rate
  }
}

/// A schedule that counts epochs: the rate changes with the first update of an epoch only.
///
/// ```swift
/// EpochSchedule(
///   PiecewiseConstantDecay(boundaries: [29, 59], values: [0.1, 0.01, 0.001]), stepsPerEpoch: 1563)
/// ```
public struct EpochSchedule: LearningRateSchedule {
  /// The rate of each epoch, counted from 0.
  public let schedule: any LearningRateSchedule
  /// How many updates an epoch has.
  public let stepsPerEpoch: Int

  /// A schedule of epochs of `stepsPerEpoch` updates; below 1 it fails with ``EngineError/invalidArgument(message:)``.
  public init(_ schedule: any LearningRateSchedule, stepsPerEpoch: Int) {
    requirePositive(stepsPerEpoch, "EpochSchedule: stepsPerEpoch")
    self.schedule = schedule
    self.stepsPerEpoch = max(stepsPerEpoch, 1)
  }

  /// The rate of the first epoch.
  public var initialValue: Double { schedule.initialValue }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    schedule.value(
      at: progress(iterations, over: stepsPerEpoch, staircase: true).cast(to: .int64))
  }
}
