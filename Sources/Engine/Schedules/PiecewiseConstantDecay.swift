import Tensors

/// A learning rate that changes at given updates: `values[i]` up to and including `boundaries[i]`, the last one after.
///
/// - SeeAlso: Keras, `optimizers.schedules.PiecewiseConstantDecay`.
public struct PiecewiseConstantDecay: LearningRateSchedule {
  /// The numbers of updates after which the rate changes, increasing.
  public let boundaries: [Int]
  /// The rates, one more than boundaries.
  public let values: [Double]

  /// A schedule of `values`, one more than `boundaries`, which increase; else it fails with
  /// ``EngineError/invalidArgument(message:)``.
  public init(boundaries: [Int], values: [Double]) {
    if values.count != boundaries.count + 1 || boundaries != boundaries.sorted() {
      fail(
        EngineError.invalidArgument(
          message: "PiecewiseConstantDecay: needs increasing boundaries and one value more, got "
            + "\(boundaries) and \(values)"))
    }
    self.boundaries = boundaries
    self.values = values
  }

  /// The rate of the first update: the first of ``values``.
  public var initialValue: Double { values.first ?? 0 }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    var rate = Tensor(values.last ?? 0, dtype: .float32)
    for (boundary, value) in zip(boundaries, values).reversed() {
      rate = select(iterations .<= Double(boundary), value, rate)
    }
    return rate
  }
}
