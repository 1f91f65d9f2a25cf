import CKernels

/// The convolution (cross-correlation) of images with kernels.
///
/// `y[n, i, j, f] = Σ x[n, i·s − p + a·d, j·s − p + b·d, c] · k[a, b, c, f]`, computed as
/// ``ConvolutionAlgorithm`` says; with an epilogue, a bias is added and the sum rectified.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.1 and §9.5.
public struct Conv2DOperation: Primitive {
  /// What is done to the sums before they are stored.
  public enum Epilogue: Hashable, Sendable {
    /// Nothing.
    case none
    /// A number for each filter, the third input, is added.
    case bias
    /// It is added, and what is then below 0 becomes 0.
    case biasReLU
  }

  /// How the kernel moves.
  public let window: Window2D

  /// What is done to the sums.
  public let epilogue: Epilogue

  /// A convolution.
  public init(window: Window2D, epilogue: Epilogue = .none) {
    self.window = window
    self.epilogue = epilogue
  }

  /// `conv2D`, and the epilogue.
  public var name: String {
    switch epilogue {
    case .none: "conv2D"
    case .bias: "conv2D(add)"
    case .biasReLU: "conv2D(add reLU)"
    }
  }

  /// `[n, h, w, c]` and `[kh, kw, c, f]`, with an epilogue `[f]` as well, give `[n, oh, ow, f]`.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: epilogue == .none ? 2 : 3)
    let (x, k) = (inputs[0], inputs[1])
    try checkConvolution(x.shape, k.shape)
    try expectFloating(x)
    guard x.dtype == k.dtype, Array(k.shape.prefix(2)) == window.size else {
      throw .shape(
        operation: name,
        message: "a kernel \(k) does not fit images \(x) and window \(window.size)")
    }
    if epilogue != .none, inputs[2] != TensorSpec([k.shape[3]], x.dtype) {
      throw .shape(operation: name, message: "a bias \(inputs[2]) does not fit kernel \(k)")
    }
    let size = try window.outputSize(x.shape[1], x.shape[2], name)
    return [TensorSpec([x.shape[0], size[0], size[1], k.shape[3]], x.dtype)]
  }

  /// The kernel of the algorithm for these shapes.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, k, y) = (inputs[0], inputs[1], outputs[0])
    guard y.elementCount > 0 else { return {} }
    let bias = epilogue == .none ? nil : inputs[2].pointer
    let isRectified = epilogue == .biasReLU
    if k.elementCount == 0 {
      let zero = zeroKernel(y, workspace)
      guard let bias else { return zero }
      let (rows, filters) = (y.elementCount / y.shape[3], y.shape[3])
      return {
        try zero()
        apus_add_bias(y.dtype.code, y.pointer, bias, isRectified ? 1 : 0, rows, filters)
      }
    }
    switch ConvolutionAlgorithm(window, image: x.shape, output: y.shape, dtype: y.dtype) {
    case .direct:
      return DirectConvolution(window, image: x.shape, output: y.shape, workspace).forward(
        x.pointer(as: Float.self), k.pointer(as: Float.self),
        bias: bias?.assumingMemoryBound(to: Float.self), isRectified: isRectified,
        y.pointer(as: Float.self))
    case .winograd:
      return WinogradConvolution(window, image: x.shape, output: y.shape, workspace).forward(
        x.pointer(as: Float.self), k.pointer(as: Float.self),
        bias: bias?.assumingMemoryBound(to: Float.self), isRectified: isRectified,
        y.pointer(as: Float.self))
    case .pointwise, .unrolled:
      return UnrolledConvolution(
        window, image: x.shape, output: y.shape, y.dtype, workspace
      ).forward(x.pointer, k.pointer, bias: bias, isRectified: isRectified, y.pointer)
    }
  }

  /// The two transposed operations; for the bias the sum over pixels.
  public func gradient(_ c: GradientContext) -> [Tensor?] {
    let (x, k) = (c.inputs[0], c.inputs[1])
    let g = epilogue == .biasReLU ? apply1(ReLUGradient(), c.y, c.g) : c.g
    let gradients = [
      apply1(Conv2DInputGradient(window: window, imageShape: x.shape), g, k),
      apply1(Conv2DKernelGradient(window: window), x, g),
    ]
    return epilogue == .none ? gradients : gradients + [g.sum(axes: [0, 1, 2])]
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
