import CKernels

/// The largest element of each window, and where it was.
package struct MaxPoolOperation: Primitive {
  /// How the window moves.
  package let window: Window

  /// A search in windows.
  package init(window: Window) { self.window = window }

  /// `maxPool1D`, `maxPool2D` or `maxPool3D`.
  package var name: String { "maxPool\(window.rank)D" }

  /// `[n, h, w, c]` gives `[n, oh, ow, c]` and the winners' offsets within their image, int32 of
  /// the same shape.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let x = inputs[0]
    guard x.dtype != .bool else {
      throw .unsupported(.bool, by: name)
    }
    try window.expectImages(x.shape, name)
    let shape = try window.output(of: x.shape, channels: x.shape[-1], name)
    return [TensorSpec(shape, x.dtype), TensorSpec(shape, .int32)]
  }

  /// Images, some on each thread.
  package func prepare(
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
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(PoolScatter(window: window, imageShape: c.x.shape), c.g, c.outputs[1])]
  }

  /// More images.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

/// The largest element of each window of images `[batch, spatial axes..., channels]` with one to three spatial axes;
/// padding never wins.
///
/// - Parameters:
///   - size: elements of the window.
///   - strides: elements from one window to the next; `size` by default.
///   - padding: what happens at the edges; `.valid` by default.
/// - Returns: `[batch, spatial axes out..., channels]`.
public func maxPool(
  _ x: Tensor, size: SpatialSize = 2, strides: SpatialSize? = nil, padding: Padding = .valid
) -> Tensor {
  attempt {
    let window = try Window(pooling: x, size, strides, padding, "maxPool")
    return apply1(MaxPoolOperation(window: window), numeric(x))
  }
}

extension Window {
  /// The window of a pooling of `x`.
  init(
    pooling x: Tensor, _ size: SpatialSize, _ strides: SpatialSize?, _ padding: Padding,
    _ function: String
  ) throws(EngineError) {
    let rank = try x.shape.spatialRank(function)
    let operation = "\(function)\(rank)D"
    try self.init(
      size: size.along(rank, "size", operation), strides: strides ?? size, padding: padding,
      image: x.shape.spatial, operation: operation)
  }
}
