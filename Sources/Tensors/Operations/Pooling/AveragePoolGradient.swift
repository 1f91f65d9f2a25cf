import CKernels

/// Each element spread evenly over its window: the gradient of ``AveragePool``.
package struct AveragePoolGradient: Primitive {
  /// How the window of the pooling moves.
  package let window: Window
  /// The shape of the images.
  package let imageShape: Shape

  /// The gradient for images of `imageShape`.
  package init(window: Window, imageShape: Shape) {
    self.window = window
    self.imageShape = imageShape
  }

  /// `averagePool2DGradient`, or with another number of axes.
  package var name: String { "averagePool\(window.rank)DGradient" }

  /// `[n, oh, ow, c]` gives `[n, h, w, c]`.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectFloating(inputs[0])
    let shape = try window.output(of: imageShape, channels: imageShape[-1], name)
    guard inputs[0].shape == shape else {
      throw .shape(operation: name, message: "\(inputs[0]) does not belong to \(imageShape)")
    }
    return [TensorSpec(imageShape, inputs[0].dtype)]
  }

  /// Images, some on each thread.
  package func prepare(
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
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(AveragePool(window: window), c.g)]
  }

  /// More images.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    let wide = AveragePoolGradient(window: window, imageShape: imageShape.times(count))
    return merged(wide, inputs, mapped: mapped, count: count)
  }
}
