import Tensors

/// Adds to each step a learned vector of its position.
///
/// Input and output `[..., time, features]` with at most `maxLength` steps. Parameter: `embeddings` `[maxLength, features]`.
///
/// - SeeAlso: Gehring et al., *Convolutional Sequence to Sequence Learning* (2017), §3.1.
public final class PositionEmbedding: Module, KeepsMask {
  /// The largest number of steps.
  public let maxLength: Int
  private let initializer: any Initializer

  /// A table for `maxLength` positions.
  public init(
    maxLength: Int, initializer: any Initializer = GlorotUniform(), name: String? = nil
  ) {
    self.maxLength = maxLength
    self.initializer = initializer
    super.init(name: name)
    if maxLength < 1 { wrongArgument("maxLength", must: "be positive", got: "\(maxLength)") }
  }

  /// An output of the input's shape.
  public func call(_ input: Tensor) -> Tensor {
    guard input.rank >= 2, !input.isInvalid, input.shape[-2] <= maxLength else {
      return wrongInput(input, expected: "[..., time, features] with at most \(maxLength) steps")
    }
    let x = floating(input)
    let table = parameter(
      "embeddings", shape: [maxLength, x.shape[-1]], initializer: initializer, dtype: x.dtype)
    return x + table[..<x.shape[-2]]
  }
}
