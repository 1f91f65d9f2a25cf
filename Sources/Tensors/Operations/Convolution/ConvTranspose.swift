/// The transposed convolution of images `[batch, spatial axes..., channels]`, of which there are one to three, with a
/// kernel `[spatial axes..., filters, channels]`: the gradient of a convolution with respect to its images.
///
/// Each element of the input is multiplied by the kernel and added to the output, `strides` elements from the next.
/// With kernels that span `k` elements and `n` elements in, there come out
///
/// - `.valid`: `(n − 1) · stride + k + outputPadding`, which is `max(stride − k, 0)` by default;
/// - `.same`: `n · stride`, or `(n − 1) · stride + k mod 2 + outputPadding` when that is given;
/// - `.explicit`: `(n − 1) · stride + k + outputPadding − before − after`.
///
/// - Parameters:
///   - x: images `[batch, spatial axes..., channels]`; integers become float32.
///   - kernel: `[spatial axes..., filters, channels]`; its type and that of `x` promote (``DType/promoted(_:_:)``).
///   - strides: elements of the output from one element of the input to the next.
///   - padding: what is cut off at the edges.
///   - outputPadding: elements added behind the last one; less than the strides.
///   - dilations: elements from one cell of the kernel to the next.
/// - Returns: `[batch, spatial axes out..., filters]`. A kernel that does not fit, or nothing that would be left of an axis,
///   is an ``EngineError/shape(operation:message:)``, an argument out of its range an
///   ``EngineError/invalidArgument(message:)``.
/// - SeeAlso: Dumoulin, Visin, *A guide to convolution arithmetic for deep learning* (2016), §4; Keras,
///   `ops.conv_transpose`.
public func convTranspose(
  _ x: Tensor, _ kernel: Tensor, strides: SpatialSize = 1, padding: Padding = .valid,
  outputPadding: SpatialSize? = nil, dilations: SpatialSize = 1
) -> Tensor {
  attempt {
    let rank = try x.shape.spatialRank("convTranspose")
    let operation = "conv\(rank)DTranspose"
    guard kernel.rank == x.rank, x.shape[-1] == kernel.shape[-1] else {
      throw EngineError.shape(
        operation: operation,
        message: """
          the kernel for images \(x.shape) must have shape \
          [\(rank == 1 ? "one spatial axis" : "\(rank) spatial axes"), filters, \(x.shape[-1])], \
          got \(kernel.shape)
          """)
    }
    let geometry = try TransposedGeometry(
      size: Array(kernel.shape.dropLast(2)), strides: strides, dilations: dilations,
      padding: padding, outputPadding: outputPadding, input: x.shape.spatial, operation)
    let dtype = DType.promoted(.float32, DType.promoted(x.dtype, kernel.dtype))
    let shape = Shape([x.shape[0]] + geometry.output + [kernel.shape[-2]])
    return apply1(
      ConvInputGradient(window: geometry.window, imageShape: shape), x.cast(to: dtype),
      kernel.cast(to: dtype))
  }
}

/// The convolution that a transposed one is the gradient of.
private struct TransposedGeometry {
  /// The window of the convolution.
  let window: Window
  /// The lengths of its images' spatial axes, which are those of the output.
  let output: [Int]

  init(
    size: [Int], strides: SpatialSize, dilations: SpatialSize, padding: Padding,
    outputPadding: SpatialSize?, input: [Int], _ operation: String
  ) throws(EngineError) {
    let rank = size.count
    let unpadded = try Window(
      size: size, strides: strides, dilations: dilations, padding: .valid, image: input,
      operation: operation)
    let extra = try outputPadding?.along(rank, "outputPadding", operation)
    if let extra, !zip(extra, unpadded.strides).allSatisfy({ $0 >= 0 && $0 < $1 }) {
      throw .argument(
        "outputPadding", of: operation,
        must: "be at least 0 and less than the strides \(unpadded.strides)", found: "\(extra)")
    }
    var (before, after, output): ([Int], [Int], [Int]) = ([], [], [])
    for axis in 0..<rank {
      let (span, step) = (unpadded.spans[axis], unpadded.strides[axis])
      let reach = (input[axis] - 1) * step
      // As Keras: `Conv2DTranspose` cuts the odd element off at the end.
      let (cut, length): (Int, Int)
      switch padding {
      case .valid:
        (cut, length) = (0, reach + span + (extra?[axis] ?? Swift.max(step - span, 0)))
      case .same:
        let odd = extra.map { span % 2 + $0[axis] } ?? step
        let kept = Swift.min((odd + span - 1) / 2, span - 1)
        (cut, length) = (span - 1 - kept, reach + odd)
      case .explicit(let first, let last):
        guard first.count == rank, last.count == rank else {
          throw .invalidArgument(
            message: "\(operation): padding must be \(rank) numbers before and as many after")
        }
        (cut, length) = (
          first[axis], reach + span + (extra?[axis] ?? 0) - first[axis] - last[axis]
        )
      case .causal:
        throw .invalidArgument(message: "\(operation): padding cannot be causal")
      }
      guard length >= 1 else {
        throw .shape(
          operation: operation,
          message: "nothing would be left of axis \(axis + 1) of an image \(input)")
      }
      before.append(cut)
      after.append(Swift.max(reach + span - cut - length, 0))
      output.append(length)
    }
    self.output = output
    window = try Window(
      size: size, strides: strides, dilations: dilations,
      padding: .explicit(before: before, after: after), image: output, operation: operation)
  }
}
