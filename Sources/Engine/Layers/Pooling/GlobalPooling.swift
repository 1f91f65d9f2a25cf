import Tensors

/// What the global pooling layers share: all spatial axes become one number a channel.
public class BaseGlobalPooling: BaseSpatialLayer {
  /// Whether the spatial axes stay, with length 1.
  public let keepDims: Bool

  /// A layer; with `keepDims` the spatial axes stay with length 1.
  public init(keepDims: Bool = false, name: String? = nil) {
    self.keepDims = keepDims
    super.init(name: name)
  }

  /// The spatial axes: all between the batch and the channels.
  var axes: [Int] { Array(1...rank) }
}

/// What ``GlobalMaxPooling1D``, ``GlobalMaxPooling2D`` and ``GlobalMaxPooling3D`` share.
public class BaseGlobalMaxPooling: BaseGlobalPooling, Callable {
  /// The largest element of each channel: `[batch, spatial axes..., channels]` to `[batch, channels]`.
  public func call(_ x: Tensor) -> Tensor {
    ofImages(x) { max($0, axes: axes, keepDims: keepDims) }
  }
}

/// What ``GlobalAveragePooling1D``, ``GlobalAveragePooling2D`` and ``GlobalAveragePooling3D`` share.
public class BaseGlobalAveragePooling: BaseGlobalPooling, Callable {
  /// The mean of each channel: `[batch, spatial axes..., channels]` to `[batch, channels]`.
  public func call(_ x: Tensor) -> Tensor {
    ofImages(x) { mean($0, axes: axes, keepDims: keepDims) }
  }
}

/// The largest element of each channel of sequences: `[batch, steps, channels]` to `[batch, channels]`.
///
/// - SeeAlso: Keras, `layers.GlobalMaxPooling1D`.
public final class GlobalMaxPooling1D: BaseGlobalMaxPooling {
  override class var rank: Int { 1 }
}

/// The largest element of each channel of images: `[batch, height, width, channels]` to `[batch, channels]`.
///
/// - SeeAlso: Keras, `layers.GlobalMaxPooling2D`.
public final class GlobalMaxPooling2D: BaseGlobalMaxPooling {
  override class var rank: Int { 2 }
}

/// The largest element of each channel of volumes: `[batch, depth, height, width, channels]` to `[batch,
/// channels]`.
///
/// - SeeAlso: Keras, `layers.GlobalMaxPooling3D`.
public final class GlobalMaxPooling3D: BaseGlobalMaxPooling {
  override class var rank: Int { 3 }
}

/// The mean of each channel of sequences: `[batch, steps, channels]` to `[batch, channels]`.
///
/// Where a mask says which steps count, the others are left out.
///
/// - SeeAlso: Lin, Chen, Yan, *Network in Network* (2014), §3.2; Keras, `layers.GlobalAveragePooling1D`.
public final class GlobalAveragePooling1D: BaseGlobalAveragePooling {
  override class var rank: Int { 1 }
}

extension GlobalAveragePooling1D: TakesMask {
  /// The mean over the steps that count; zeros for a sequence without any.
  func call(_ x: Tensor, mask: Tensor) throws -> Structure {
    .tensor(enter { masked(x, mask) })
  }

  private func masked(_ x: Tensor, _ mask: Tensor) -> Tensor {
    guard x.rank == 3, mask.shape == [x.shape[0], x.shape[1]] else {
      return wrongInput(x, expected: "sequences [batch, steps, channels] of a mask \(mask.shape)")
    }
    let x = floating(x)
    let counts = mask.cast(to: .bool).expandDims(axis: 2)
    let kept = select(counts, x, 0)
    let steps = sum(counts.cast(to: x.dtype), axis: 1, keepDims: keepDims)
    return sum(kept, axis: 1, keepDims: keepDims) / maximum(steps, 1)
  }
}

/// The mean of each channel of images: `[batch, height, width, channels]` to `[batch, channels]`.
///
/// - SeeAlso: Lin, Chen, Yan, *Network in Network* (2014), §3.2; Keras, `layers.GlobalAveragePooling2D`.
public final class GlobalAveragePooling2D: BaseGlobalAveragePooling {
  override class var rank: Int { 2 }
}

/// The mean of each channel of volumes: `[batch, depth, height, width, channels]` to `[batch, channels]`.
///
/// - SeeAlso: Lin, Chen, Yan, *Network in Network* (2014), §3.2; Keras, `layers.GlobalAveragePooling3D`.
public final class GlobalAveragePooling3D: BaseGlobalAveragePooling {
  override class var rank: Int { 3 }
}
