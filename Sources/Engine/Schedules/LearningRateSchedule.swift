import Tensors

/// A learning rate that depends on how many updates have been made.
public protocol LearningRateSchedule: Sendable {
  /// The rate (float32 scalar) for the update after `iterations` (int64 scalar, 0 at first). Traced into the step.
  func value(at iterations: Tensor) -> Tensor
  /// The rate of the first update.
  var initialValue: Double { get }
}

/// The same rate at every update; what a plain number stands for.
public struct ConstantLearningRate: LearningRateSchedule {
  /// The rate of every update.
  public let initialValue: Double

  /// A schedule that gives `value` at every update.
  public init(_ value: Double) { initialValue = value }

  /// The rate, whatever `iterations` is; a float32 scalar.
  public func value(at iterations: Tensor) -> Tensor { Tensor(initialValue, dtype: .float32) }
}
