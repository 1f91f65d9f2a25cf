/// The scalar types that a model computes with.
public enum PrecisionPolicy: String, Sendable, Hashable, CaseIterable {
  /// Everything in the types of the tensors.
  case float32
  /// Matrix products of float32 round their factors to bfloat16 (8 bits of precision) and add up in float32, in linear layers,
  /// attention, and convolutions that are computed as products; weights, gradients, the optimizer's state and all else stay
  /// float32.
  ///
  /// Taken only on types of CPU that are known to multiply bfloat16 faster (AMD Zen 4 and 5); otherwise the same as
  /// ``float32``. The environment variable `APUS_BFLOAT16` says `on` or `off`
  /// instead. Under several ranks one vote against it is enough.
  ///
  /// - SeeAlso: Kalamkar et al., *A Study of BFLOAT16 for Deep Learning Training* (2019); Keras, `mixed_bfloat16`.
  case mixedBFloat16 = "mixed_bfloat16"
}
