import Tensors

/// What ``UpSampling1D``, ``UpSampling2D`` and ``UpSampling3D`` share.
public class BaseUpSampling: BaseSpatialLayer, Callable {
  /// How many elements become of one, along each axis.
  public let size: SpatialSize
  /// What the new elements are.
  public let interpolation: Interpolation

  init(size: SpatialSize, interpolation: Interpolation, name: String?) {
    self.size = size
    self.interpolation = interpolation
    super.init(name: name)
    check("size", size)
  }

  /// `[batch, spatial axes..., channels]`, each spatial axis `size` times as long.
  public func call(_ x: Tensor) -> Tensor {
    ofImages(x) { upSample($0, size: size, interpolation: interpolation) }
  }
}

/// Sequences made larger: `[batch, steps, channels]` with axes between batch and channels that are `size` times
/// as long.
///
/// - SeeAlso: Keras, `layers.UpSampling1D`.
public final class UpSampling1D: BaseUpSampling {
  /// A layer that repeats each step; twice by default.
  public init(_ size: SpatialSize = 2, name: String? = nil) {
    super.init(size: size, interpolation: .nearest, name: name)
  }

  override class var rank: Int { 1 }
}

/// Images made larger: `[batch, height, width, channels]` with axes between batch and channels that are `size`
/// times as long.
///
/// - SeeAlso: Keras, `layers.UpSampling2D`.
public final class UpSampling2D: BaseUpSampling {
  /// A layer; twice as many rows and columns, each pixel repeated, by default.
  public init(
    _ size: SpatialSize = 2, interpolation: Interpolation = .nearest, name: String? = nil
  ) {
    super.init(size: size, interpolation: interpolation, name: name)
  }

  override class var rank: Int { 2 }
}

/// Volumes made larger: `[batch, depth, height, width, channels]` with axes between batch and channels that are
/// `size` times as long.
///
/// - SeeAlso: Keras, `layers.UpSampling3D`.
public final class UpSampling3D: BaseUpSampling {
  /// A layer that repeats each element; twice along each axis by default.
  public init(_ size: SpatialSize = 2, name: String? = nil) {
    super.init(size: size, interpolation: .nearest, name: name)
  }

  override class var rank: Int { 3 }
}
