import CKernels

/// Convolutions in which each channel is a group with one filter, and their gradients, without unrolling.
struct DepthwiseConvolution {
  private let geometry: apus_conv
  private let images: Int
  private let pixels: Int
  private let channels: Int
  /// Multiply-adds of one output pixel.
  private let work: Int
  private let dtype: DType
  private let workspace: Workspace

  /// There is at least one image and channel.
  init(_ window: Window, image: Shape, output: Shape, _ dtype: DType, _ workspace: Workspace) {
    geometry = window.geometry(image: image, output: output)
    images = image[0]
    pixels = output.spatial.reduce(1, *)
    channels = image[-1]
    work = window.size.reduce(channels, *)
    self.dtype = dtype
    self.workspace = workspace
  }

  /// Pixels that are worth a thread.
  private var grain: Int { 400_000 / work + 1 }

  /// The convolution of `x` with `k`, cut by output pixels.
  func forward(
    _ x: UnsafeRawPointer, _ k: UnsafeRawPointer, bias: UnsafeRawPointer?, isRectified: Bool,
    _ y: UnsafeMutableRawPointer
  ) -> Kernel {
    workspace.parallel(images * pixels, grain: grain) { range, _ in
      withUnsafePointer(to: geometry) {
        apus_depthwise(dtype.code, $0, x, k, y, range.lowerBound, range.upperBound)
      }
      if let bias {
        apus_add_bias(
          dtype.code, y + range.lowerBound * channels * dtype.size, bias, isRectified ? 1 : 0,
          range.count, channels)
      }
    }
  }

  /// The gradient of the images, cut by images: windows overlap in them.
  func inputGradient(
    _ g: UnsafeRawPointer, _ k: UnsafeRawPointer, _ dx: UnsafeMutableRawPointer
  ) -> Kernel {
    workspace.parallel(images, grain: grain / pixels + 1) { range, _ in
      withUnsafePointer(to: geometry) {
        apus_depthwise_input_grad(
          dtype.code, $0, g, k, dx, range.lowerBound, range.upperBound)
      }
    }
  }

  /// The gradient of the kernels, cut by channels: a sum over all pixels is never cut.
  func kernelGradient(
    _ x: UnsafeRawPointer, _ g: UnsafeRawPointer, _ dk: UnsafeMutableRawPointer
  ) -> Kernel {
    let grain = images * pixels < 2 * self.grain ? channels : 16
    return workspace.parallel(channels, grain: grain, multiple: 16) { range, _ in
      withUnsafePointer(to: geometry) {
        apus_depthwise_kernel_grad(
          dtype.code, $0, x, g, images, dk, range.lowerBound, range.upperBound)
      }
    }
  }
}
