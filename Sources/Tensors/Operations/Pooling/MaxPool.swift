import CKernels

/// The largest element of each window, and where it was.
struct MaxPoolOperation: Primitive {
  let window: Window

  /// `maxPool1D`, `maxPool2D` or `maxPool3D`.
  var name: String { "maxPool\(window.rank)D" }

  /// `[n, h, w, c]` gives `[n, oh, ow, c]` and the winners' offsets within their image, int32 of
  /// the same shape.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let x = inputs[0]
    try expectNumeric(x)
    try window.expectImages(x.shape, name)
    let shape = try window.output(of: x.shape, channels: x.shape[-1], name)
    return [TensorSpec(shape, x.dtype), TensorSpec(shape, .int32)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (dtype, places) = (inputs[0].dtype.code, outputs[1].pointer(as: Int32.self))
    let pooled = outputs[0].shape.dropFirst().reduce(1, *)
    let (x, y) = (inputs[0], outputs[0])
    return window.kernel(image: x.shape, output: y.shape, from: x, to: y, workspace) {
      apus_maxpool(dtype, $0, $2, $3, places + $1.lowerBound * pooled, $1.count)
    }
  }

  /// `g` at the winners: the first of equals gets it all.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(PoolScatter(window: window, imageShape: c.x.shape), c.g, c.outputs[1])]
  }

  /// The examples are more images of the batch.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

/// Zeros with each input added at its winner's place: the gradient of ``MaxPoolOperation``.
struct PoolScatter: Primitive {
  let window: Window
  /// The shape of the images.
  let imageShape: Shape

  /// `[n, oh, ow, c]` and the winners' offsets give `[n, h, w, c]`.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    let shape = try window.output(of: imageShape, channels: imageShape[-1], name)
    guard inputs[0].shape == shape, inputs[1] == TensorSpec(shape, .int32) else {
      throw .shape(
        operation: name, message: "\(inputs[0]) and \(inputs[1]) do not belong to \(imageShape)")
    }
    return [TensorSpec(imageShape, inputs[0].dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (dtype, places) = (inputs[0].dtype.code, inputs[1].pointer(as: Int32.self))
    let pooled = inputs[0].shape.dropFirst().reduce(1, *)
    let (g, dx) = (inputs[0], outputs[0])
    return window.kernel(image: imageShape, output: g.shape, from: g, to: dx, workspace) {
      apus_pool_scatter(dtype, $0, $2, places + $1.lowerBound * pooled, $3, $1.count)
    }
  }

  /// The elements of `g` at the winners' places.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(PoolGather(window: window), c.g, c.inputs[1]), nil]
  }

  /// The examples are more images of the batch.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    let wide = PoolScatter(window: window, imageShape: imageShape.times(count))
    return merged(wide, inputs, mapped: mapped, count: count)
  }
}

/// The elements at the winners' places: the transpose of ``PoolScatter``.
struct PoolGather: Primitive {
  let window: Window

  /// `[n, h, w, c]` and the winners' offsets `[n, oh, ow, c]` give `[n, oh, ow, c]`.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    let images = inputs[0].shape
    let shape = try window.output(of: images, channels: images[-1], name)
    guard inputs[1] == TensorSpec(shape, .int32) else {
      throw .shape(operation: name, message: "\(inputs[1]) does not belong to images \(images)")
    }
    return [TensorSpec(shape, inputs[0].dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (dtype, places) = (inputs[0].dtype.code, inputs[1].pointer(as: Int32.self))
    let pooled = outputs[0].shape.dropFirst().reduce(1, *)
    let (x, y) = (inputs[0], outputs[0])
    return window.kernel(image: x.shape, output: y.shape, from: x, to: y, workspace) {
      apus_pool_gather(dtype, $0, $2, places + $1.lowerBound * pooled, $3, $1.count)
    }
  }

  /// `g` at the winners' places.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(PoolScatter(window: window, imageShape: c.x.shape), c.g, c.inputs[1]), nil]
  }

  /// The examples are more images of the batch.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

/// The largest element of each window of images `[batch, spatial axes..., channels]` with one to three spatial axes;
/// padding never wins.
///
/// - Parameters:
///   - x: the images; bool becomes int32.
///   - size: elements of the window.
///   - strides: elements from one window to the next; `size` by default.
///   - padding: what happens at the edges; `.valid` by default.
/// - Returns: `[batch, spatial axes out..., channels]`. Images without one to three spatial axes, or smaller than the window,
///   are an ``EngineError/shape(operation:message:)``.
public func maxPool(
  _ x: Tensor, size: SpatialSize = 2, strides: SpatialSize? = nil, padding: Padding = .valid
) -> Tensor {
  attempt {
    let window = try Window(pooling: x, size, strides, padding, "maxPool")
    return apply1(MaxPoolOperation(window: window), numeric(x))
  }
}
