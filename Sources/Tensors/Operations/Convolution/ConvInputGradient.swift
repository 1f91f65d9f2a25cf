/// The gradient of ``ConvOperation`` with respect to the images; also called transposed
/// convolution.
package struct ConvInputGradient: Primitive {
  /// How the kernel of the convolution moves.
  package let window: Window
  /// The number of parts that channels and filters are cut into.
  package let groups: Int
  /// The shape of the images.
  package let imageShape: Shape
  /// As in ``ConvOperation``.
  package let precision: ProductPrecision

  /// The gradient for images of `imageShape`.
  package init(
    window: Window, groups: Int = 1, imageShape: Shape, precision: ProductPrecision = .exact
  ) {
    self.window = window
    self.groups = groups
    self.imageShape = imageShape
    self.precision = precision
  }

  /// `conv2DInputGradient`, or with another number of axes.
  package var name: String { "conv\(window.rank)DInputGradient" + precision.suffix }

  /// `[n, oh, ow, f]` and `[kh, kw, c / groups, f]` give `[n, h, w, c]`.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    let (g, k) = (inputs[0], inputs[1])
    guard g.dtype == k.dtype, k.shape.rank == imageShape.rank,
      k.shape.dropLast() == window.size + [imageShape[-1] / groups],
      g.shape == (try window.output(of: imageShape, channels: k.shape[-1], name))
    else {
      throw .shape(
        operation: name,
        message: "gradient \(g) and kernel \(k) do not belong to images \(imageShape)")
    }
    return [TensorSpec(imageShape, g.dtype)]
  }

  /// The kernel of the algorithm for these shapes.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (g, k, dx) = (inputs[0], inputs[1], outputs[0])
    guard dx.elementCount > 0 else { return {} }
    guard g.elementCount > 0 else { return zeroKernel(dx, workspace) }
    let algorithm = ConvolutionAlgorithm(
      window, groups: groups, image: imageShape, output: g.shape, dtype: dx.dtype)
    switch algorithm {
    case .winograd:
      return WinogradConvolution(window, image: imageShape, output: g.shape, workspace)
        .inputGradient(
          g.pointer(as: Float.self), k.pointer(as: Float.self), dx.pointer(as: Float.self))
    case .depthwise:
      return DepthwiseConvolution(
        window, image: imageShape, output: g.shape, dx.dtype, workspace
      ).inputGradient(g.pointer, k.pointer, dx.pointer)
    case .pointwise, .direct, .unrolled:
      return UnrolledConvolution(
        window, groups: groups, image: imageShape, output: g.shape, dx.dtype, workspace, precision
      ).inputGradient(
        g.pointer, k.pointer, dx.pointer,
        imageBytes: dx.elementCount / imageShape[0] * dx.dtype.size)
    }
  }

  /// Linear in both inputs: with incoming gradient `h`, the convolution of `h`, and the kernel's
  /// gradient from `h`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    c.wanted(
      apply1(ConvOperation(window: window, groups: groups), c.g, c.inputs[1]),
      apply1(ConvKernelGradient(window: window, groups: groups), c.g, c.inputs[0]))
  }

  /// More images, as long as the kernel is the same for all.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    guard mapped == [true, false] else { return nil }
    let g = inputs[0]
    let wide = ConvInputGradient(
      window: window, groups: groups, imageShape: imageShape.times(count), precision: precision)
    let dx = apply1(wide, g.reshape(Shape([count * g.shape[1]] + g.shape.dropFirst(2))), inputs[1])
    return [dx.reshape(Shape([count] + imageShape))]
  }
}
