import CKernels

/// The mean of each window; padding is not counted.
struct AveragePool: Primitive {
  let window: Window

  /// `averagePool1D`, `averagePool2D` or `averagePool3D`.
  var name: String { "averagePool\(window.rank)D" }

  /// `[n, h, w, c]` gives `[n, oh, ow, c]`.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let x = inputs[0]
    try expectFloating(x)
    return [TensorSpec(try window.output(of: x.shape, channels: x.shape[-1], name), x.dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let dtype = inputs[0].dtype.code
    let (x, y) = (inputs[0], outputs[0])
    return window.kernel(image: x.shape, output: y.shape, from: x, to: y, workspace) {
      apus_avgpool(dtype, $0, $2, $3, $1.count)
    }
  }

  /// Each element of `g` spread evenly over its window.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(AveragePoolGradient(window: window, imageShape: c.x.shape), c.g)]
  }

  /// The examples are more images of the batch.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

/// Each element spread evenly over its window: the gradient of ``AveragePool``.
struct AveragePoolGradient: Primitive {
  let window: Window
  /// The shape of the images.
  let imageShape: Shape

  /// `averagePool2DGradient`, or with another number of axes.
  var name: String { "averagePool\(window.rank)DGradient" }

  /// `[n, oh, ow, c]` gives `[n, h, w, c]`.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectFloating(inputs[0])
    let shape = try window.output(of: imageShape, channels: imageShape[-1], name)
    guard inputs[0].shape == shape else {
      throw .shape(operation: name, message: "\(inputs[0]) does not belong to \(imageShape)")
    }
    return [TensorSpec(imageShape, inputs[0].dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let dtype = inputs[0].dtype.code
    let (g, dx) = (inputs[0], outputs[0])
    return window.kernel(image: imageShape, output: g.shape, from: g, to: dx, workspace) {
      apus_avgpool_grad(dtype, $0, $2, $3, $1.count)
    }
  }

  /// The means of `g`.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(AveragePool(window: window), c.g)]
  }

  /// The examples are more images of the batch.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    let wide = AveragePoolGradient(window: window, imageShape: imageShape.times(count))
    return merged(wide, inputs, mapped: mapped, count: count)
  }
}

/// The mean of each window of images `[batch, spatial axes..., channels]` with one to three spatial axes; padding is not
/// counted.
///
/// Parameters, shape and errors as for ``maxPool(_:size:strides:padding:)``. Integers become float32.
public func averagePool(
  _ x: Tensor, size: SpatialSize = 2, strides: SpatialSize? = nil, padding: Padding = .valid
) -> Tensor {
  attempt {
    let window = try Window(pooling: x, size, strides, padding, "averagePool")
    return apply1(AveragePool(window: window), floating(x))
  }
}
