import Tensors

/// Attention whose score is the sum of `scale · tanh(query + key)` over the features; otherwise as ``Attention``.
///
/// Parameter: `scale` `[features]` with `useScale`.
///
/// - SeeAlso: Bahdanau, Cho, Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate* (2015), §A.1.2;
///   Keras, `layers.AdditiveAttention`.
public final class AdditiveAttention: Attention {
  /// A layer; Keras's defaults.
  public init(
    useScale: Bool = true, dropout: Double = 0, useCausalMask: Bool = false,
    returnAttentionScores: Bool = false, name: String? = nil
  ) {
    super.init(
      useScale: useScale, scoreMode: .concat, dropout: dropout, useCausalMask: useCausalMask,
      returnAttentionScores: returnAttentionScores, name: name)
  }

  override func scores(_ query: Tensor, _ key: Tensor) -> Tensor {
    let terms = tanh(pairs(query, key))
    guard useScale else { return sum(terms, axis: -1) }
    return sum(
      parameter("scale", shape: [query.shape[-1]], dtype: query.dtype) * terms, axis: -1)
  }
}
