import Tensors

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
