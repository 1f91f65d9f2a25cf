import CKernels

/// Each element spread evenly over its window: the gradient of ``AvgPool2D``.
public struct AvgPool2DGradient: Primitive {
  /// How the window of the pooling moves.
  public let window: Window2D
  /// The shape of the images.
  public let imageShape: Shape

  /// The gradient for images of `imageShape`.
  public init(window: Window2D, imageShape: Shape) {
    self.window = window
    self.imageShape = imageShape
  }

  /// `[n, oh, ow, c]` gives `[n, h, w, c]`.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectFloating(inputs[0])
    let size = try window.outputSize(imageShape[1], imageShape[2], name)
    guard inputs[0].shape == [imageShape[0], size[0], size[1], imageShape[3]] else {
      throw .shape(operation: name, message: "\(inputs[0]) does not belong to \(imageShape)")
    }
    return [TensorSpec(imageShape, inputs[0].dtype)]
  }

  /// Images, some on each thread.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (g, dx) = (inputs[0], outputs[0])
    let geometry = window.geometry(image: imageShape, output: g.shape)
    return workspace.images(from: g, to: dx) { images, from, to in
      withUnsafePointer(to: geometry) {
        apus_avgpool_grad(g.dtype.code, $0, from, to, images.count)
      }
    }
  }

  /// The means of `g`.
  public func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(AvgPool2D(window: window), c.g)]
  }
}
