/// The mean of each channel of images: `[batch, height, width, channels]` to `[batch, channels]`.
///
/// - SeeAlso: Lin, Chen, Yan, *Network in Network* (2014), §3.2; Keras, `layers.GlobalAveragePooling2D`.
public final class GlobalAveragePooling2D: Module {
  /// Whether height and width stay as axes of length 1.
  public let keepDims: Bool

  /// A layer; without the axes of height and width by default.
  public init(keepDims: Bool = false, name: String? = nil) {
    self.keepDims = keepDims
    super.init(name: name)
  }

  /// The means over height and width.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == 4 else {
      return wrongInput(x, expected: "images [batch, height, width, channels]")
    }
    return mean(x, axes: [1, 2], keepDims: keepDims)
  }
}
