import CKernels

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

  /// Windows of some output pixels at a time are unrolled, transposed (by a flag) and multiplied by
  /// their gradients.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, g, dk) = (inputs[0], inputs[1], outputs[0])
    guard dk.elementCount > 0 else { return {} }
    let tiles = ConvolutionTiles(window, image: x.shape, output: g.shape, size: x.dtype.size)
    guard tiles.rows > 0 else { return zeroKernel(dk) }
    let filters = g.shape[3]
    let left = MatrixForm(isTransposed: true, leading: tiles.depth)
    let right = MatrixForm(isTransposed: false, leading: filters)
    if window.isPointwise {
      return {
        gemm(
          dk.dtype, tiles.depth, filters, tiles.rows, x.pointer, left, g.pointer, right,
          dk.pointer, leading: filters, accumulate: false)
      }
    }
    workspace.require(bytes: tiles.byteCount)
    return {
      tiles.forEach { start, count in
        tiles.unroll(x.pointer, start, count, workspace.base)
        gemm(
          dk.dtype, tiles.depth, filters, count, workspace.base, left,
          g.pointer + start * filters * dk.dtype.size, right, dk.pointer, leading: filters,
          accumulate: start > 0)
      }
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
