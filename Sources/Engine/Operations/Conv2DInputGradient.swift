/// The gradient of ``Conv2DOperation`` with respect to the images; also called transposed
/// convolution.
public struct Conv2DInputGradient: Primitive {
  /// How the kernel of the convolution moves.
  public let window: Window2D
  /// The shape of the images.
  public let imageShape: Shape

  /// The gradient for images of `imageShape`.
  public init(window: Window2D, imageShape: Shape) {
    self.window = window
    self.imageShape = imageShape
  }

  /// `[n, oh, ow, f]` and `[kh, kw, c, f]` give `[n, h, w, c]`.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    let (g, k) = (inputs[0], inputs[1])
    let size = try window.outputSize(imageShape[1], imageShape[2], name)
    guard g.dtype == k.dtype, k.shape.rank == 4,
      Array(k.shape.prefix(3)) == window.size + [imageShape[3]],
      g.shape == [imageShape[0], size[0], size[1], k.shape[3]]
    else {
      throw .shape(
        operation: name,
        message: "gradient \(g) and kernel \(k) do not belong to images \(imageShape)")
    }
    return [TensorSpec(imageShape, g.dtype)]
  }

  /// The kernel of the algorithm for these shapes.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (g, k, dx) = (inputs[0], inputs[1], outputs[0])
    guard dx.elementCount > 0 else { return {} }
    guard g.elementCount > 0 else { return zeroKernel(dx, workspace) }
    switch ConvolutionAlgorithm(window, image: imageShape, output: g.shape, dtype: dx.dtype) {
    case .winograd:
      return WinogradConvolution(window, image: imageShape, output: g.shape, workspace)
        .inputGradient(
          g.pointer(as: Float.self), k.pointer(as: Float.self), dx.pointer(as: Float.self))
    case .pointwise, .direct, .unrolled:
      return UnrolledConvolution(
        window, image: imageShape, output: g.shape, dx.dtype, workspace
      ).inputGradient(
        g.pointer, k.pointer, dx.pointer,
        imageBytes: dx.elementCount / imageShape[0] * dx.dtype.size)
    }
  }

  /// Linear in both inputs: with incoming gradient `h`, the convolution of `h`, and the kernel's
  /// gradient from `h`.
  public func gradient(_ c: GradientContext) -> [Tensor?] {
    [
      apply1(Conv2DOperation(window: window), c.g, c.inputs[1]),
      apply1(Conv2DKernelGradient(window: window), c.g, c.inputs[0]),
    ]
  }
}
