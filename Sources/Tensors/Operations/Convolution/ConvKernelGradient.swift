/// The gradient of ``ConvOperation`` with respect to the kernel.
package struct ConvKernelGradient: Primitive {
  /// How the kernel of the convolution moves.
  package let window: Window
  /// The number of parts that channels and filters are cut into.
  package let groups: Int
  /// As in ``ConvOperation``.
  package let precision: ProductPrecision

  /// The gradient for a kernel of the window's size.
  package init(window: Window, groups: Int = 1, precision: ProductPrecision = .exact) {
    self.window = window
    self.groups = groups
    self.precision = precision
  }

  /// `conv2DKernelGradient`, or with another number of axes.
  package var name: String { "conv\(window.rank)DKernelGradient" + precision.suffix }

  /// `[n, h, w, c]` and `[n, oh, ow, f]` give `[kh, kw, c / groups, f]`.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    let (x, g) = (inputs[0], inputs[1])
    try window.expectImages(g.shape, name)
    guard g.dtype == x.dtype,
      g.shape == (try window.output(of: x.shape, channels: g.shape[-1], name)),
      x.shape[-1] % groups == 0, g.shape[-1] % groups == 0
    else {
      throw .shape(
        operation: name,
        message: "gradient \(g) does not belong to images \(x) in \(groups) groups")
    }
    let shape = Shape(window.size + [x.shape[-1] / groups, g.shape[-1]])
    return [TensorSpec(shape, x.dtype)]
  }

  /// The kernel of the algorithm for these shapes.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, g, dk) = (inputs[0], inputs[1], outputs[0])
    guard dk.elementCount > 0 else { return {} }
    guard g.elementCount > 0 else { return zeroKernel(dk, workspace) }
    let algorithm = ConvolutionAlgorithm(
      window, groups: groups, image: x.shape, output: g.shape, dtype: dk.dtype)
    switch algorithm {
    case .direct:
      return DirectConvolution(window, image: x.shape, output: g.shape, workspace)
        .kernelGradient(
          x.pointer(as: Float.self), g.pointer(as: Float.self), dk.pointer(as: Float.self))
    case .winograd:
      return WinogradConvolution(window, image: x.shape, output: g.shape, workspace)
        .kernelGradient(
          x.pointer(as: Float.self), g.pointer(as: Float.self), dk.pointer(as: Float.self))
    case .depthwise:
      return DepthwiseConvolution(
        window, image: x.shape, output: g.shape, dk.dtype, workspace
      ).kernelGradient(x.pointer, g.pointer, dk.pointer)
    case .pointwise, .unrolled:
      return UnrolledConvolution(
        window, groups: groups, image: x.shape, output: g.shape, dk.dtype, workspace, precision
      ).kernelGradient(x.pointer, g.pointer, dk.pointer)
    }
  }

  /// Linear in both inputs: with incoming gradient `h`, the images' gradient by kernel `h`, and the
  /// convolution by `h`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (x, g) = (c.inputs[0], c.inputs[1])
    return c.wanted(
      apply1(ConvInputGradient(window: window, groups: groups, imageShape: x.shape), g, c.g),
      apply1(ConvOperation(window: window, groups: groups), x, c.g))
  }
}
