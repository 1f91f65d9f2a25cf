import CKernels

/// Convolutions of float32 images (or sequences) with few channels, and the gradient of the kernel, without unrolling.
struct DirectConvolution {
  private let geometry: apus_conv
  private let images: Int
  private let filters: Int
  private let workspace: Workspace
  /// Multiply-adds of one image.
  private let work: Int

  init(_ window: Window, image: Shape, output: Shape, _ workspace: Workspace) {
    geometry = window.geometry(image: image, output: output)
    images = image[0]
    filters = output[-1]
    work = (output.spatial + window.size).reduce(filters * image[-1], *)
    self.workspace = workspace
    let padded = withUnsafePointer(to: geometry) { apus_direct_scratch_size($0) }
    workspace.require(bytes: Swift.max(padded, 1) * MemoryLayout<Float>.size)
  }

  private func scratch(_ part: Int) -> UnsafeMutablePointer<Float> {
    workspace.base(part: part).assumingMemoryBound(to: Float.self)
  }

  /// The convolution of `x` with `k`, cut by images.
  func forward(
    _ x: UnsafePointer<Float>, _ k: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    isRectified: Bool, _ y: UnsafeMutablePointer<Float>
  ) -> Kernel {
    workspace.parallel(images, grain: 400_000 / Swift.max(work, 1) + 1) { range, part in
      withUnsafePointer(to: geometry) {
        apus_direct(
          $0, filters, x, k, bias, isRectified ? 1 : 0, y, range.lowerBound, range.upperBound,
          scratch(part))
      }
    }
  }

  /// The gradient of the kernel, cut by filters: a sum over all pixels is never cut.
  func kernelGradient(
    _ x: UnsafePointer<Float>, _ g: UnsafePointer<Float>, _ dk: UnsafeMutablePointer<Float>
  ) -> Kernel {
    let grain = images * work < 800_000 ? filters : 16
    return workspace.parallel(filters, grain: grain, multiple: 16) { range, part in
      withUnsafePointer(to: geometry) {
        apus_direct_kernel_grad(
          $0, filters, x, g, images, dk, range.lowerBound, range.upperBound, scratch(part))
      }
    }
  }
}
