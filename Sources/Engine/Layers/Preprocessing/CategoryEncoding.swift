import Tensors

/// Numbers of categories as rows of zeros and ones, or of counts.
///
/// - SeeAlso: Keras, `layers.CategoryEncoding`.
public final class CategoryEncoding: Module {
  /// The number of categories, the length of a row.
  public let tokens: Int
  /// How they are written.
  public let output: CategoryOutput

  /// A layer for categories 0 ..< `tokens`; no category fails with ``EngineError/invalidArgument(message:)``.
  public init(_ tokens: Int, output: CategoryOutput = .multiHot, name: String? = nil) {
    self.tokens = tokens
    self.output = output
    super.init(name: name)
    if tokens < 1 { wrongArgument("tokens", must: "be positive", got: "\(tokens)") }
  }

  /// `[batch, ...]` of numbers in 0 ..< `tokens`, as ``CategoryOutput`` describes; another number, a fraction or NaN is an error
  /// that names it.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank >= 1, !x.isInvalid else { return wrongInput(x, expected: "[batch, ...]") }
    return output.encoded(wholeNumbers(x, below: tokens, typeName), depth: tokens)
  }
}
