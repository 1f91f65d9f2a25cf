import Tensors

/// Shifts and scales features to mean 0 and variance 1 by statistics that are given, or taken from data once.
///
/// ```swift
/// let normalization = Normalization()
/// normalization.adapt(xTrain)
/// let model = Sequential(normalization, Linear(1))
/// ```
///
/// Input and output `[batch, ...]`: `(x − mean) / max(√variance, 1e-7)` with one mean and variance for each index along
/// `axes`. What ``adapt(_:)`` found is kept in the states `mean` and `variance` (float64), saved with the module; before that
/// they are 0 and 1.
///
/// - SeeAlso: Keras, `layers.Normalization`.
public final class Normalization: Module, KeepsMask {
  /// The axes along which there are several means; none for one mean of everything.
  public let axes: [Int]
  /// Whether to go back: `x · max(√variance, 1e-7) + mean`.
  public let invert: Bool
  private let given: (mean: Tensor, variance: Tensor)?

  /// A layer whose statistics ``adapt(_:)`` finds; one mean a feature by default.
  public init(axes: [Int] = [-1], invert: Bool = false, name: String? = nil) {
    self.axes = axes
    self.invert = invert
    given = nil
    super.init(name: name)
  }

  /// A layer with known statistics, numbers or tensors that broadcast to the lengths of `axes`.
  public init(
    mean: Tensor, variance: Tensor, axes: [Int] = [-1], invert: Bool = false,
    name: String? = nil
  ) {
    self.axes = axes
    self.invert = invert
    given = (mean, variance)
    super.init(name: name)
    if mean.shape != variance.shape || mean.rank > axes.count {
      wrongArgument(
        "mean and variance",
        must: "have one shape, of as many axes as there are in \(axes) at most",
        got: "\(mean.shape) and \(variance.shape)")
    }
  }

  /// Takes mean and (biased) variance from data `[samples, ...]`, all at once; what was found before is forgotten.
  public func adapt(_ data: Tensor) {
    guard given == nil else {
      return wrongArguments("mean and variance are given: there is nothing to adapt")
    }
    guard let kept = kept(in: data), data.elementCount > 0 else {
      _ = wrongInput(data, expected: "samples with axes \(axes)")
      return
    }
    let x = data.cast(to: .float64)
    let others = x.shape.indices.filter { !kept.contains($0) }
    let lengths = Shape(kept.map { x.shape[$0] })
    // Makes the variables, unless there are some.
    _ = statistics(lengths)
    // Along all axes there is nothing to average.
    updateParameter("mean", to: others.isEmpty ? x : Engine.mean(x, axes: others))
    updateParameter(
      "variance",
      to: others.isEmpty ? .zeros(lengths, dtype: .float64) : Engine.variance(x, axes: others))
  }

  /// An output of the input's shape, in float32 for whole numbers.
  public func call(_ input: Tensor) -> Tensor {
    guard let kept = kept(in: input) else {
      return wrongInput(input, expected: "a shape with axes \(axes)")
    }
    let x = floating(input)
    let lengths = Shape(kept.map { x.shape[$0] })
    let wide = Shape(x.shape.indices.map { kept.contains($0) ? x.shape[$0] : 1 })
    let (mean, variance) = given ?? statistics(lengths)
    func aligned(_ statistic: Tensor) -> Tensor {
      reshape(statistic.broadcast(to: lengths).cast(to: x.dtype), wide)
    }
    let deviation = maximum(sqrt(aligned(variance)), 1e-7)
    return invert ? x * deviation + aligned(mean) : (x - aligned(mean)) / deviation
  }

  private func statistics(_ lengths: Shape) -> (mean: Tensor, variance: Tensor) {
    (
      parameter(
        "mean", shape: lengths, initializer: Zeros(), trainable: false, dtype: .float64),
      parameter(
        "variance", shape: lengths, initializer: Ones(), trainable: false, dtype: .float64)
    )
  }

  /// The axes from the front, ascending; nil when the shape lacks one.
  private func kept(in x: Tensor) -> [Int]? {
    guard !x.isInvalid, axes.allSatisfy({ (-x.rank..<x.rank).contains($0) }) else { return nil }
    return axes.map { $0 < 0 ? $0 + x.rank : $0 }.sorted()
  }
}
