import Tensors

/// Marks the steps whose features all equal one value as padding, and sets them to 0.
///
/// Input and output `[batch, time, features]`. Announces ``mask(of:)``.
///
/// - SeeAlso: Keras, `layers.Masking`.
public final class Masking: Module {
  /// The value of padding.
  public let maskValue: Double

  /// A layer that marks steps of nothing but `maskValue`.
  public init(_ maskValue: Double = 0, name: String? = nil) {
    self.maskValue = maskValue
    super.init(name: name)
  }

  /// `[batch, time, ...]`, of the shape of `x`, with padding set to 0.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank >= 3, !x.isInvalid else {
      return wrongInput(x, expected: "[batch, time, features]")
    }
    let mask = mask(of: x)
    setMask(mask)
    return select(mask.expandDims(axis: -1), x, 0)
  }

  /// Which steps of `x` count, `[batch, time]`: those with another value than `maskValue`.
  public func mask(of x: Tensor) -> Tensor { any(x .!= maskValue, axes: [-1]) }
}
