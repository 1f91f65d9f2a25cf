import CKernels

/// Zeros with each input added at its winner's place: the gradient of ``MaxPoolOperation``.
package struct PoolScatter: Primitive {
  /// How the window of the pooling moves.
  package let window: Window
  /// The shape of the images.
  package let imageShape: Shape

  /// The gradient for images of `imageShape`.
  package init(window: Window, imageShape: Shape) {
    self.window = window
    self.imageShape = imageShape
  }

  /// `[n, oh, ow, c]` and the winners' offsets give `[n, h, w, c]`.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    let shape = try window.output(of: imageShape, channels: imageShape[-1], name)
    guard inputs[0].shape == shape, inputs[1] == TensorSpec(shape, .int32) else {
      throw .shape(
        operation: name, message: "\(inputs[0]) and \(inputs[1]) do not belong to \(imageShape)")
    }
    return [TensorSpec(imageShape, inputs[0].dtype)]
  }

  /// Images, some on each thread.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (g, places, dx) = (inputs[0], inputs[1].pointer(as: Int32.self), outputs[0])
    let geometry = window.geometry(image: imageShape, output: g.shape)
    let pooled = g.shape.dropFirst().reduce(1, *)
    return workspace.images(from: g, to: dx) { images, from, to in
      withUnsafePointer(to: geometry) {
        apus_pool_scatter(
          g.dtype.code, $0, from, places + images.lowerBound * pooled, to, images.count)
      }
    }
  }

  /// The elements of `g` at the winners' places.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(PoolGather(window: window), c.g, c.inputs[1]), nil]
  }

  /// More images.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    let wide = PoolScatter(window: window, imageShape: imageShape.times(count))
    return merged(wide, inputs, mapped: mapped, count: count)
  }
}
