import Tensors

/// The largest element of each channel of sequences: `[batch, steps, channels]` to `[batch, channels]`.
///
/// - SeeAlso: Keras, `layers.GlobalMaxPooling1D`.
public final class GlobalMaxPooling1D: BaseGlobalMaxPooling {
  /// A layer; with `keepDims` the steps stay as an axis of length 1.
  public init(keepDims: Bool = false, name: String? = nil) {
    super.init(rank: 1, keepDims: keepDims, name: name)
  }
}
