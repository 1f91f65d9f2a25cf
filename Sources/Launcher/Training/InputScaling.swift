import Engine

/// Brings input to the size that initial weights are made for; part of the model, so that a file of weights can be
/// used on data as it is.
final class InputScaling: Module {
  /// How input is scaled.
  enum Rule: Sendable {
    /// Divided by one number: pixels.
    case divide(by: Double)
    /// Each feature has mean 0 and deviation 1 over the rows trained on: tables.
    case standardize(means: [Float], deviations: [Float])
  }

  private let rule: Rule

  init(_ rule: Rule) {
    self.rule = rule
    super.init(name: "scaling")
  }

  /// The rule for data like `training`: bytes are divided by 255, images of other types by their largest
  /// value (16 for the digits), and tables are standardised.
  static func rule(for training: Tensor) -> Rule {
    if training.dtype == .uint8 { return .divide(by: 255) }
    if training.rank > 2 { return .divide(by: Swift.max(1, max(abs(training)).item())) }
    let x = training.cast(to: .float64)
    let means = mean(x, axis: 0)
    let deviations = sqrt(mean(square(x - means), axis: 0)).scalars(as: Float.self)
    // A feature that is the same in every row tells nothing; only dividing by 0 must not happen.
    return .standardize(
      means: means.scalars(as: Float.self), deviations: deviations.map { $0 > 0 ? $0 : 1 })
  }

  /// Any type and shape, for tables `[batch, features]`; gives float32 of that shape.
  func call(_ x: Tensor) -> Tensor {
    let x = x.cast(to: .float32)
    switch rule {
    case .divide(let divisor): return x * (1 / divisor)
    case .standardize(let means, let deviations):
      return (x - constant("mean", means)) / constant("deviation", deviations)
    }
  }

  /// A variable that training leaves alone and files of weights hold.
  private func constant(_ name: String, _ values: [Float]) -> Tensor {
    parameter(
      name, shape: [values.count], initializer: Given(values: values), trainable: false)
  }

  private struct Given: Initializer {
    let values: [Float]

    func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
      Tensor(values, shape: shape, dtype: dtype)
    }
  }
}
