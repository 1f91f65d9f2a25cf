import Tensors

/// A rectifier: `max(x, 0)`, with Keras's refinements.
///
/// `maxValue` where `x` is above it, `x` from `threshold` on, `negativeSlope · (x − threshold)` below.
///
/// - SeeAlso: Keras, `layers.ReLU`.
public final class ReLU: Module, KeepsMask {
  /// The largest output; nil for none.
  public let maxValue: Double?
  /// The slope below the threshold.
  public let negativeSlope: Double
  /// Where the output begins to rise.
  public let threshold: Double

  /// A rectifier; the plain one by default.
  public init(
    maxValue: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0,
    name: String? = nil
  ) {
    self.maxValue = maxValue
    self.negativeSlope = negativeSlope
    self.threshold = threshold
    super.init(name: name)
  }

  /// The rectified input, of its shape.
  public func call(_ x: Tensor) -> Tensor {
    var y =
      negativeSlope == 0 && threshold == 0
      ? relu(x) : select(x .>= threshold, x, (x - threshold) * negativeSlope)
    if let maxValue { y = select(y .>= maxValue, maxValue, y) }
    return y
  }
}

/// A rectifier that lets a part of negative inputs through: `x` above 0, `negativeSlope · x` below.
///
/// - SeeAlso: Maas, Hannun, Ng, *Rectifier Nonlinearities Improve Neural Network Acoustic Models* (2013), §2; Keras 3,
///   `layers.LeakyReLU`.
public final class LeakyReLU: Module, KeepsMask {
  /// The slope below 0.
  public let negativeSlope: Double

  /// A rectifier; the slope is 0.3 by default as in Keras.
  public init(negativeSlope: Double = 0.3, name: String? = nil) {
    self.negativeSlope = negativeSlope
    super.init(name: name)
  }

  /// The rectified input, of its shape.
  public func call(_ x: Tensor) -> Tensor { select(x .> 0, x, x * negativeSlope) }
}

/// A rectifier with learned slopes below 0: `x` above 0, `alpha · x` below.
///
/// Parameter `alpha` has the shape of a sample, with length 1 along shared axes: `PReLU(sharedAxes: [1, 2])` has one slope
/// a channel of images.
///
/// - SeeAlso: He et al., *Delving Deep into Rectifiers* (2015), §2.1; Keras, `layers.PReLU`.
public final class PReLU: Module, KeepsMask {
  /// The axes along which the slopes are the same; 0 is that of the batch.
  public let sharedAxes: [Int]
  private let alphaInitializer: any Initializer
  private let alphaRegularizer: (any Regularizer)?
  private let alphaConstraint: (any Constraint)?

  /// A rectifier; its slopes are 0 at first as in Keras.
  public init(
    alphaInitializer: any Initializer = Zeros(), alphaRegularizer: (any Regularizer)? = nil,
    alphaConstraint: (any Constraint)? = nil, sharedAxes: [Int] = [], name: String? = nil
  ) {
    self.sharedAxes = sharedAxes
    self.alphaInitializer = alphaInitializer
    self.alphaRegularizer = alphaRegularizer
    self.alphaConstraint = alphaConstraint
    super.init(name: name)
  }

  /// The rectified input, of its shape.
  public func call(_ input: Tensor) -> Tensor {
    guard input.rank >= 1, !input.isInvalid, sharedAxes.allSatisfy((1..<input.rank).contains)
    else { return wrongInput(input, expected: "[batch, ...] with axes \(sharedAxes)") }
    let x = floating(input)
    let shape = Shape((1..<x.rank).map { sharedAxes.contains($0) ? 1 : x.shape[$0] })
    let alpha = parameter(
      "alpha", shape: shape, initializer: alphaInitializer, constraint: alphaConstraint,
      dtype: x.dtype)
    regularize("alpha", with: alphaRegularizer)
    return select(x .> 0, x, alpha * x)
  }
}
