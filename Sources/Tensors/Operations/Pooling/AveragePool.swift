import CKernels

/// The mean of each window; padding is not counted.
package struct AveragePool: Primitive {
  /// How the window moves.
  package let window: Window

  /// Means of windows.
  package init(window: Window) { self.window = window }

  /// `averagePool1D`, `averagePool2D` or `averagePool3D`.
  package var name: String { "averagePool\(window.rank)D" }

  /// `[n, h, w, c]` gives `[n, oh, ow, c]`.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let x = inputs[0]
    try expectFloating(x)
    return [TensorSpec(try window.output(of: x.shape, channels: x.shape[-1], name), x.dtype)]
  }

  /// Images, some on each thread.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    let geometry = window.geometry(image: x.shape, output: y.shape)
    return workspace.images(from: x, to: y) { images, from, to in
      withUnsafePointer(to: geometry) { apus_avgpool(x.dtype.code, $0, from, to, images.count) }
    }
  }

  /// Each element of `g` spread evenly over its window.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(AveragePoolGradient(window: window, imageShape: c.x.shape), c.g)]
  }

  /// More images.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

/// The mean of each window of images `[batch, spatial axes..., channels]` with one to three spatial axes; padding is not
/// counted.
///
/// Parameters as for ``maxPool(_:size:strides:padding:)``. Integers become float32.
public func averagePool(
  _ x: Tensor, size: SpatialSize = 2, strides: SpatialSize? = nil, padding: Padding = .valid
) -> Tensor {
  attempt {
    let window = try Window(pooling: x, size, strides, padding, "averagePool")
    return apply1(AveragePool(window: window), floating(x))
  }
}
