import CKernels

/// The convolution (cross-correlation) of images with kernels.
///
/// `y[n, i, j, f] = Σ x[n, i·s − p + a·d, j·s − p + b·d, c] · k[a, b, c, f]`, as a matrix product
/// of unrolled windows.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.1 and §9.5.
public struct Conv2DOperation: Primitive {
  /// How the kernel moves.
  public let window: Window2D

  /// A convolution.
  public init(window: Window2D) { self.window = window }

  /// `[n, h, w, c]` and `[kh, kw, c, f]` give `[n, oh, ow, f]`.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    let (x, k) = (inputs[0], inputs[1])
    try checkConvolution(x.shape, k.shape)
    try expectFloating(x)
    guard x.dtype == k.dtype, Array(k.shape.prefix(2)) == window.size else {
      throw .shape(
        operation: name,
        message: "a kernel \(k) does not fit images \(x) and window \(window.size)")
    }
    let size = try window.outputSize(x.shape[1], x.shape[2], name)
    return [TensorSpec([x.shape[0], size[0], size[1], k.shape[3]], x.dtype)]
  }

  /// Windows of some output pixels at a time are unrolled into the workspace and multiplied by the
  /// kernel.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, k, y) = (inputs[0], inputs[1], outputs[0])
    guard y.elementCount > 0 else { return {} }
    let tiles = ConvolutionTiles(window, image: x.shape, output: y.shape, size: x.dtype.size)
    let filters = y.shape[3]
    guard tiles.depth > 0 else { return zeroKernel(y) }
    let left = MatrixForm(isTransposed: false, leading: tiles.depth)
    let right = MatrixForm(isTransposed: false, leading: filters)
    if window.isPointwise {
      return {
        gemm(
          y.dtype, tiles.rows, filters, tiles.depth, x.pointer, left, k.pointer, right, y.pointer,
          leading: filters, accumulate: false)
      }
    }
    workspace.require(bytes: tiles.byteCount)
    return {
      tiles.forEach { start, count in
        tiles.unroll(x.pointer, start, count, workspace.base)
        gemm(
          y.dtype, count, filters, tiles.depth, workspace.base, left, k.pointer, right,
          y.pointer + start * filters * y.dtype.size, leading: filters, accumulate: false)
      }
    }
  }

  /// The two transposed operations.
  public func gradient(_ c: GradientContext) -> [Tensor?] {
    let (x, k) = (c.inputs[0], c.inputs[1])
    return [
      apply1(Conv2DInputGradient(window: window, imageShape: x.shape), c.g, k),
      apply1(Conv2DKernelGradient(window: window), x, c.g),
    ]
  }
}

private func checkConvolution(_ x: Shape, _ k: Shape) throws(EngineError) {
  try expectImages(x, "conv2D")
  guard k.rank == 4 else {
    throw .shape(
      operation: "conv2D",
      message: "the kernel must have shape [rows, columns, channels, filters], got \(k)")
  }
  guard x[3] == k[2] else {
    throw .shape(
      operation: "conv2D",
      message: """
        cannot convolve images \(x) with kernel \(k): channels of the images (\(x[3])) must \
        equal channels of the kernel (\(k[2]))
        """)
  }
}

/// A kernel that writes zeros.
func zeroKernel(_ y: Operand) -> Kernel {
  let (target, bytes) = (y.pointer, y.elementCount * y.dtype.size)
  return { target.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
}

/// The convolution of images `[batch, height, width, channels]` with a kernel `[rows, columns,
/// channels, filters]`.
///
/// - Parameters:
///   - strides: rows and columns from one window to the next.
///   - padding: what happens at the edges; `.valid` by default.
///   - dilations: rows and columns from one cell of the window to the next.
/// - Returns: `[batch, rows out, columns out, filters]`.
public func conv2D(
  _ x: Tensor, _ kernel: Tensor, strides: (Int, Int) = (1, 1), padding: Padding = .valid,
  dilations: (Int, Int) = (1, 1)
) -> Tensor {
  attempt {
    try checkConvolution(x.shape, kernel.shape)
    let window = try Window2D(
      size: Array(kernel.shape.prefix(2)), strides: strides, dilations: dilations,
      padding: padding, image: [x.shape[1], x.shape[2]], operation: "conv2D")
    let dtype = DType.promoted(.float32, DType.promoted(x.dtype, kernel.dtype))
    return apply1(Conv2DOperation(window: window), x.cast(to: dtype), kernel.cast(to: dtype))
  }
}
