import CKernels

/// The elements at the winners' places: the transpose of ``PoolScatter``.
public struct PoolGather: Primitive {
  /// How the window of the pooling moves.
  public let window: Window2D

  /// The elements at the winners of a pooling.
  public init(window: Window2D) { self.window = window }

  /// `[n, h, w, c]` and the winners' offsets `[n, oh, ow, c]` give `[n, oh, ow, c]`.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    let images = inputs[0].shape
    try expectImages(images, name)
    let size = try window.outputSize(images[1], images[2], name)
    let shape: Shape = [images[0], size[0], size[1], images[3]]
    guard inputs[1] == TensorSpec(shape, .int32) else {
      throw .shape(operation: name, message: "\(inputs[1]) does not belong to images \(images)")
    }
    return [TensorSpec(shape, inputs[0].dtype)]
  }

  /// One call of the kernel.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, places, y) = (inputs[0], inputs[1].pointer(as: Int32.self), outputs[0])
    guard y.elementCount > 0 else { return {} }
    let geometry = window.geometry(image: x.shape, output: y.shape)
    let (count, size) = (x.shape[0], x.dtype.size)
    let (image, pooled) = (x.elementCount / count, y.elementCount / count)
    return workspace.parallel(count, grain: Workspace.elementGrain / pooled + 1) { range, _ in
      let first = range.lowerBound
      withUnsafePointer(to: geometry) {
        apus_pool_gather(
          x.dtype.code, $0, x.pointer + first * image * size, places + first * pooled,
          y.pointer + first * pooled * size, range.count)
      }
    }
  }

  /// `g` at the winners' places.
  public func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(PoolScatter(window: window, imageShape: c.x.shape), c.g, c.inputs[1]), nil]
  }
}
