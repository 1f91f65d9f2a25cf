import CKernels

/// The largest element of each window, and where it was.
public struct MaxPool2D: Primitive {
  /// How the window moves.
  public let window: Window2D

  /// A search in windows.
  public init(window: Window2D) { self.window = window }

  /// `[n, h, w, c]` gives `[n, oh, ow, c]` and the winners' offsets within their image, int32 of
  /// the same shape.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let x = inputs[0]
    try expectImages(x.shape, name)
    guard x.dtype != .bool else {
      throw .dtype(operation: name, message: "does not work on bool")
    }
    let size = try window.outputSize(x.shape[1], x.shape[2], name)
    let shape: Shape = [x.shape[0], size[0], size[1], x.shape[3]]
    return [TensorSpec(shape, x.dtype), TensorSpec(shape, .int32)]
  }

  /// Images, some on each thread.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y, places) = (inputs[0], outputs[0], outputs[1].pointer(as: Int32.self))
    let geometry = window.geometry(image: x.shape, output: y.shape)
    let pooled = y.shape.dropFirst().reduce(1, *)
    return workspace.images(from: x, to: y) { images, from, to in
      withUnsafePointer(to: geometry) {
        apus_maxpool(
          x.dtype.code, $0, from, to, places + images.lowerBound * pooled, images.count)
      }
    }
  }

  /// `g` at the winners: the first of equals gets it all.
  public func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(PoolScatter(window: window, imageShape: c.x.shape), c.g, c.outputs[1])]
  }
}

/// The largest element of each window of images `[batch, height, width, channels]`; padding never
/// wins.
///
/// - Parameters:
///   - size: rows and columns of the window.
///   - strides: rows and columns from one window to the next; `size` by default.
///   - padding: what happens at the edges; `.valid` by default.
/// - Returns: `[batch, rows out, columns out, channels]`.
public func maxPool2D(
  _ x: Tensor, size: (Int, Int) = (2, 2), strides: (Int, Int)? = nil, padding: Padding = .valid
) -> Tensor {
  attempt {
    try expectImages(x.shape, "maxPool2D")
    let window = try Window2D(
      size: [size.0, size.1], strides: strides ?? size, padding: padding,
      image: [x.shape[1], x.shape[2]], operation: "maxPool2D")
    return apply1(MaxPool2D(window: window), numeric(x))
  }
}
