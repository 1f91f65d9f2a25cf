import CKernels

/// The mean of each window; padding is not counted.
public struct AvgPool2D: Primitive {
  /// How the window moves.
  public let window: Window2D

  /// Means of windows.
  public init(window: Window2D) { self.window = window }

  /// `[n, h, w, c]` gives `[n, oh, ow, c]`.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let x = inputs[0]
    try expectImages(x.shape, name)
    try expectFloating(x)
    let size = try window.outputSize(x.shape[1], x.shape[2], name)
    return [TensorSpec([x.shape[0], size[0], size[1], x.shape[3]], x.dtype)]
  }

  /// Images, some on each thread.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    let geometry = window.geometry(image: x.shape, output: y.shape)
    return workspace.images(from: x, to: y) { images, from, to in
      withUnsafePointer(to: geometry) { apus_avgpool(x.dtype.code, $0, from, to, images.count) }
    }
  }

  /// Each element of `g` spread evenly over its window.
  public func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(AvgPool2DGradient(window: window, imageShape: c.x.shape), c.g)]
  }
}

/// The mean of each window of images `[batch, height, width, channels]`; padding is not counted.
///
/// Parameters as for ``maxPool2D(_:size:strides:padding:)``. Integers become float32.
public func avgPool2D(
  _ x: Tensor, size: (Int, Int) = (2, 2), strides: (Int, Int)? = nil, padding: Padding = .valid
) -> Tensor {
  attempt {
    try expectImages(x.shape, "avgPool2D")
    let window = try Window2D(
      size: [size.0, size.1], strides: strides ?? size, padding: padding,
      image: [x.shape[1], x.shape[2]], operation: "avgPool2D")
    return apply1(AvgPool2D(window: window), floating(x))
  }
}
