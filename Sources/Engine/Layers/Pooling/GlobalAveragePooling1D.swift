/// The mean of each channel of sequences: `[batch, steps, channels]` to `[batch, channels]`.
///
/// - SeeAlso: Lin, Chen, Yan, *Network in Network* (2014), §3.2; Keras, `layers.GlobalAveragePooling1D`.
public final class GlobalAveragePooling1D: BaseGlobalAveragePooling {
  /// A layer; with `keepDims` the steps stay as an axis of length 1.
  public init(keepDims: Bool = false, name: String? = nil) {
    super.init(rank: 1, keepDims: keepDims, name: name)
  }
}
