import CKernels

/// The convolution (cross-correlation) of images with kernels.
///
/// `y[n, i, j, f] = Σ x[n, i·s − p + a·d, j·s − p + b·d, c] · k[a, b, c, f]`, here for two spatial axes, computed as
/// ``ConvolutionAlgorithm`` says; with an epilogue, a bias is added and the sum rectified. With groups channels and
/// filters are cut into as many parts, and a filter sees the channels of its part only.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.1 and §9.5; Krizhevsky, Sutskever, Hinton,
///   *ImageNet Classification with Deep Convolutional Neural Networks* (2012), §3.5 (groups).
package struct ConvOperation: Primitive {
  /// What is done to the sums before they are stored.
  package enum Epilogue: Hashable, Sendable {
    /// The sums are stored as they are.
    case none
    /// A number for each filter, the third input, is added.
    case bias
    /// It is added, and what is then below 0 becomes 0.
    case biasReLU
  }

  /// How the kernel moves.
  package let window: Window
  /// The number of parts that channels and filters are cut into.
  package let groups: Int
  /// What is done to the sums.
  package var epilogue: Epilogue
  /// What the factors of its matrix products are rounded to, where it is one of those; set by a pass.
  package let precision: ProductPrecision

  /// A convolution by a window whose size is the kernel's.
  package init(
    window: Window, groups: Int = 1, epilogue: Epilogue = .none,
    precision: ProductPrecision = .exact
  ) {
    self.window = window
    self.groups = groups
    self.epilogue = epilogue
    self.precision = precision
  }

  /// The same with another epilogue.
  func with(_ epilogue: Epilogue) -> ConvOperation {
    var copy = self
    copy.epilogue = epilogue
    return copy
  }

  /// `conv1D`, `conv2D` or `conv3D`, the type of rounded factors, and the epilogue.
  package var name: String {
    let base = "conv\(window.rank)D" + precision.suffix
    return switch epilogue {
    case .none: base
    case .bias: base + "(add)"
    case .biasReLU: base + "(add reLU)"
    }
  }

  /// `[n, h, w, c]` and `[kh, kw, c / groups, f]`, with an epilogue `[f]` as well, give `[n, oh, ow, f]`.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: epilogue == .none ? 2 : 3)
    let (x, k) = (inputs[0], inputs[1])
    try window.expectImages(x.shape, name)
    try checkConvolution(x.shape, k.shape, groups: groups, name)
    try expectFloating(x)
    guard x.dtype == k.dtype, Array(k.shape.dropLast(2)) == window.size else {
      throw .shape(
        operation: name,
        message: "a kernel \(k) does not fit images \(x) and window \(window.size)")
    }
    if epilogue != .none, inputs[2] != TensorSpec([k.shape[-1]], x.dtype) {
      throw .shape(operation: name, message: "a bias \(inputs[2]) does not fit kernel \(k)")
    }
    return [TensorSpec(try window.output(of: x.shape, channels: k.shape[-1], name), x.dtype)]
  }

  /// The kernel of the algorithm for these shapes.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, k, y) = (inputs[0], inputs[1], outputs[0])
    guard y.elementCount > 0 else { return {} }
    let bias = epilogue == .none ? nil : inputs[2].pointer
    let isRectified = epilogue == .biasReLU
    if k.elementCount == 0 {
      let zero = zeroKernel(y, workspace)
      guard let bias else { return zero }
      let (rows, filters) = (y.elementCount / y.shape[-1], y.shape[-1])
      return {
        try zero()
        apus_add_bias(y.dtype.code, y.pointer, bias, isRectified ? 1 : 0, rows, filters)
      }
    }
    let algorithm = ConvolutionAlgorithm(
      window, groups: groups, image: x.shape, output: y.shape, dtype: y.dtype)
    switch algorithm {
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
    case .depthwise:
      return DepthwiseConvolution(
        window, image: x.shape, output: y.shape, y.dtype, workspace
      ).forward(x.pointer, k.pointer, bias: bias, isRectified: isRectified, y.pointer)
    case .pointwise, .unrolled:
      return UnrolledConvolution(
        window, groups: groups, image: x.shape, output: y.shape, y.dtype, workspace, precision
      ).forward(x.pointer, k.pointer, bias: bias, isRectified: isRectified, y.pointer)
    }
  }

  /// The two transposed operations; for the bias the sum over pixels.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (x, k) = (c.inputs[0], c.inputs[1])
    let g = epilogue == .biasReLU ? apply1(ReLUGradient(), c.y, c.g) : c.g
    let gradients = c.wanted(
      apply1(ConvInputGradient(window: window, groups: groups, imageShape: x.shape), g, k),
      apply1(ConvKernelGradient(window: window, groups: groups), x, g))
    if epilogue == .none { return gradients }
    return gradients + [c.needsGradient(2) ? g.sum(axes: Array(0..<g.rank - 1)) : nil]
  }

  /// More images, as long as the kernel is the same for all.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    guard mapped == [true, false], epilogue == .none else { return nil }
    let kernel = inputs[1]
    let x = inputs[0]
    let y = apply1(self, x.reshape(Shape([count * x.shape[1]] + x.shape.dropFirst(2))), kernel)
    return [y.reshape(Shape([count, x.shape[1]] + y.shape.dropFirst()))]
  }
}

/// Checks that a kernel `[spatial axes..., channels / groups, filters]` fits images.
private func checkConvolution(
  _ x: Shape, _ k: Shape, groups: Int, _ operation: String
) throws(EngineError) {
  guard k.rank == x.rank else {
    throw EngineError(
      .shape, operation: operation,
      .requirement(
        of: "the kernel for images \(x)",
        must: "have \(x.rank) axes [spatial axes..., channels, filters]", found: "\(k)"))
  }
  guard groups >= 1, k[-1] % groups == 0 else {
    throw .argument(
      "groups", of: operation,
      must: "be at least 1 and divide the filters (\(k[-1])) of kernel \(k)", found: "\(groups)")
  }
  guard x[-1] == k[-2] * groups else {
    throw .shape(
      operation: operation,
      message: """
        cannot convolve images \(x) with kernel \(k): channels of the images (\(x[-1])) must \
        equal channels of the kernel (\(k[-2]))\(groups == 1 ? "" : " times groups (\(groups))")
        """)
  }
}

/// The convolution of images `[batch, spatial axes..., channels]`, of which there are one to three, with a kernel
/// `[spatial axes..., channels / groups, filters]`.
///
/// - Parameters:
///   - x: the images; integers become float32.
///   - kernel: its type and that of `x` promote (``DType/promoted(_:_:)``).
///   - strides: elements from one window to the next.
///   - padding: what happens at the edges; `.valid` by default.
///   - dilations: elements from one cell of the window to the next.
///   - groups: how many parts channels and filters are cut into; filters see the channels of their part only.
/// - Returns: `[batch, spatial axes out..., filters]`. A kernel that does not fit the images, or a window that is larger than
///   a padded image, is an ``EngineError/shape(operation:message:)``, an argument out of its range an
///   ``EngineError/invalidArgument(message:)``.
public func conv(
  _ x: Tensor, _ kernel: Tensor, strides: SpatialSize = 1, padding: Padding = .valid,
  dilations: SpatialSize = 1, groups: Int = 1
) -> Tensor {
  attempt {
    let operation = "conv\(try x.shape.spatialRank("conv"))D"
    try checkConvolution(x.shape, kernel.shape, groups: groups, operation)
    let filters = kernel.shape[-1]
    if groups > 1, groups == x.shape[-1], filters > groups {
      // With every channel repeated a filter has one to itself, for which there is a kernel that works in vectors.
      return conv(
        repeated(channelsOf: x, filters / groups), kernel, strides: strides, padding: padding,
        dilations: dilations, groups: filters)
    }
    let window = try Window(
      size: Array(kernel.shape.dropLast(2)), strides: strides, dilations: dilations,
      padding: padding, image: x.shape.spatial, operation: operation)
    let dtype = DType.promoted(.float32, DType.promoted(x.dtype, kernel.dtype))
    return apply1(
      ConvOperation(window: window, groups: groups), x.cast(to: dtype), kernel.cast(to: dtype))
  }
}

/// Images `[..., channels]` with each channel `times` times, side by side.
private func repeated(channelsOf x: Tensor, _ times: Int) -> Tensor {
  let leading = Array(x.shape.dropLast())
  return x.expandDims(axis: x.rank).broadcast(to: Shape(x.shape + [times]))
    .reshape(Shape(leading + [x.shape[-1] * times]))
}
