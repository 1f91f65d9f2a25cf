/// The gradient of ``Conv2DOperation`` with respect to the kernel.
public struct Conv2DKernelGradient: Primitive {
  /// How the kernel of the convolution moves.
  public let window: Window2D

  /// The gradient for a kernel of the window's size.
  public init(window: Window2D) { self.window = window }

  /// `[n, h, w, c]` and `[n, oh, ow, f]` give `[kh, kw, c, f]`.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    let (x, g) = (inputs[0], inputs[1])
    try expectImages(x.shape, name)
    try expectImages(g.shape, name)
    let size = try window.outputSize(x.shape[1], x.shape[2], name)
    guard g.dtype == x.dtype, Array(g.shape.prefix(3)) == [x.shape[0]] + size else {
      throw .shape(operation: name, message: "gradient \(g) does not belong to images \(x)")
    }
    return [TensorSpec(Shape(window.size + [x.shape[3], g.shape[3]]), x.dtype)]
  }

  /// The kernel of the algorithm for these shapes.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, g, dk) = (inputs[0], inputs[1], outputs[0])
    guard dk.elementCount > 0 else { return {} }
    guard g.elementCount > 0 else { return zeroKernel(dk, workspace) }
    switch ConvolutionAlgorithm(window, image: x.shape, output: g.shape, dtype: dk.dtype) {
    case .direct:
      return DirectConvolution(window, image: x.shape, output: g.shape, workspace)
        .kernelGradient(
          x.pointer(as: Float.self), g.pointer(as: Float.self), dk.pointer(as: Float.self))
    case .winograd:
      return WinogradConvolution(window, image: x.shape, output: g.shape, workspace)
        .kernelGradient(
          x.pointer(as: Float.self), g.pointer(as: Float.self), dk.pointer(as: Float.self))
    case .pointwise, .unrolled:
      return UnrolledConvolution(window, image: x.shape, output: g.shape, dk.dtype, workspace)
        .kernelGradient(x.pointer, g.pointer, dk.pointer)
    }
  }

  /// Linear in both inputs: with incoming gradient `h`, the images' gradient by kernel `h`, and the
  /// convolution by `h`.
  public func gradient(_ c: GradientContext) -> [Tensor?] {
    let (x, g) = (c.inputs[0], c.inputs[1])
    return [
      apply1(Conv2DInputGradient(window: window, imageShape: x.shape), g, c.g),
      apply1(Conv2DOperation(window: window), x, c.g),
    ]
  }
}
