import CKernels

/// The elements at the winners' places: the transpose of ``PoolScatter``.
package struct PoolGather: Primitive {
  /// How the window of the pooling moves.
  package let window: Window

  /// The elements at the winners of a pooling.
  package init(window: Window) { self.window = window }

  /// `[n, h, w, c]` and the winners' offsets `[n, oh, ow, c]` give `[n, oh, ow, c]`.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    let images = inputs[0].shape
    let shape = try window.output(of: images, channels: images[-1], name)
    guard inputs[1] == TensorSpec(shape, .int32) else {
      throw .shape(operation: name, message: "\(inputs[1]) does not belong to images \(images)")
    }
    return [TensorSpec(shape, inputs[0].dtype)]
  }

  /// Images, some on each thread.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, places, y) = (inputs[0], inputs[1].pointer(as: Int32.self), outputs[0])
    let geometry = window.geometry(image: x.shape, output: y.shape)
    let pooled = y.shape.dropFirst().reduce(1, *)
    return workspace.images(from: x, to: y) { images, from, to in
      withUnsafePointer(to: geometry) {
        apus_pool_gather(
          x.dtype.code, $0, from, places + images.lowerBound * pooled, to, images.count)
      }
    }
  }

  /// `g` at the winners' places.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(PoolScatter(window: window, imageShape: c.x.shape), c.g, c.inputs[1]), nil]
  }

  /// More images.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}
