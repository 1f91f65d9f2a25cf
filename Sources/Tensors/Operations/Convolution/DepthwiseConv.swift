/// The convolution of each channel of images `[batch, spatial axes..., channels]` with kernels of its own, in a kernel
/// `[spatial axes..., channels, multiplier]`.
///
/// Parameters and errors as for ``conv(_:_:strides:padding:dilations:groups:)``.
///
/// - Returns: `[batch, spatial axes out..., channels · multiplier]`, the results of a channel side by side.
/// - SeeAlso: Howard et al., *MobileNets* (2017), §3.1; Keras, `ops.depthwise_conv`.
public func depthwiseConv(
  _ x: Tensor, _ kernel: Tensor, strides: SpatialSize = 1, padding: Padding = .valid,
  dilations: SpatialSize = 1
) -> Tensor {
  attempt {
    let operation = "depthwiseConv\(try x.shape.spatialRank("depthwiseConv"))D"
    guard kernel.rank == x.rank, kernel.shape[-2] == x.shape[-1] else {
      throw EngineError(
        .shape, operation: operation,
        .requirement(
          of: "the kernel for images \(x.shape)",
          must: "have shape [spatial axes..., \(x.shape[-1]), multiplier]", found: "\(kernel.shape)"
        ))
    }
    let shape = Shape(kernel.shape.dropLast(2) + [1, kernel.shape[-2] * kernel.shape[-1]])
    return conv(
      x, kernel.reshape(shape), strides: strides, padding: padding, dilations: dilations,
      groups: Swift.max(x.shape[-1], 1))
  }
}

/// A depthwise convolution, and one of single elements that mixes its channels.
///
/// - Parameters:
///   - x: images `[batch, spatial axes..., channels]`.
///   - depthwise: `[spatial axes..., channels, multiplier]`, as for ``depthwiseConv(_:_:strides:padding:dilations:)``.
///   - pointwise: `[1, ..., channels · multiplier, filters]`.
///   - strides: elements from one window of `depthwise` to the next.
///   - padding: what happens at the edges; `.valid` by default.
///   - dilations: elements from one cell of the window to the next.
/// - Returns: `[batch, spatial axes out..., filters]`.
/// - SeeAlso: Chollet, *Xception: Deep Learning with Depthwise Separable Convolutions* (2017), §1.1; Keras,
///   `ops.separable_conv`.
public func separableConv(
  _ x: Tensor, depthwise: Tensor, pointwise: Tensor, strides: SpatialSize = 1,
  padding: Padding = .valid, dilations: SpatialSize = 1
) -> Tensor {
  conv(
    depthwiseConv(x, depthwise, strides: strides, padding: padding, dilations: dilations),
    pointwise)
}
