import CKernels

/// Convolutions with 3 × 3 kernels, and their gradients, by Winograd's method over float32 images.
///
/// - SeeAlso: Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), arXiv:1509.09308.
struct WinogradConvolution {
  private let geometry: apus_conv
  private let images: Int
  private let channels: Int
  private let filters: Int
  private let workspace: Workspace
  /// The transformed kernel, which threads share, comes first in the scratch memory of part 0.
  private let kernelBytes: Int

  init(_ window: Window, image: Shape, output: Shape, _ workspace: Workspace) {
    geometry = window.geometry(image: image, output: output)
    images = image[0]
    channels = image[3]
    filters = output[3]
    self.workspace = workspace
    let size = MemoryLayout<Float>.size
    kernelBytes = Storage.aligned(apus_winograd_kernel_size(channels, filters) * size)
    workspace.require(
      bytes: kernelBytes + apus_winograd_scratch_size(channels, filters) * size)
  }

  private var transformed: UnsafeMutablePointer<Float> {
    workspace.base(part: 0).assumingMemoryBound(to: Float.self)
  }

  private func scratch(_ part: Int) -> UnsafeMutablePointer<Float> {
    (workspace.base(part: part) + kernelBytes).assumingMemoryBound(to: Float.self)
  }

  /// The transform of kernel `k`, cut by its rows.
  private func transform(_ k: UnsafePointer<Float>, isTransposed: Bool) -> Kernel {
    let (rows, columns) = isTransposed ? (filters, channels) : (channels, filters)
    return workspace.parallel(rows, grain: Swift.max(1, 4096 / columns)) { range, _ in
      apus_winograd_kernel(
        k, channels, filters, isTransposed ? 1 : 0, transformed, range.lowerBound,
        range.upperBound)
    }
  }

  /// Fewer tiles than this are done faster by one thread.
  private var grain: Int { Swift.max(8, 400_000 / (36 * channels * filters)) }

  /// The convolution of `x` with `k`.
  func forward(
    _ x: UnsafePointer<Float>, _ k: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    isRectified: Bool, _ y: UnsafeMutablePointer<Float>
  ) -> Kernel {
    let transform = transform(k, isTransposed: false)
    let tiles = images * withUnsafePointer(to: geometry) { apus_winograd_tiles($0) }
    let convolve = workspace.parallel(tiles, grain: grain, multiple: 8) { range, part in
      withUnsafePointer(to: geometry) {
        apus_winograd(
          $0, filters, x, transformed, bias, isRectified ? 1 : 0, y, range.lowerBound,
          range.upperBound, scratch(part))
      }
    }
    return {
      try transform()
      try convolve()
    }
  }

  /// The gradient of the images from that of the output, cut by images: tiles overlap in them.
  func inputGradient(
    _ g: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>
  ) -> Kernel {
    let transform = transform(k, isTransposed: true)
    let tiles = withUnsafePointer(to: geometry) { apus_winograd_tiles($0) }
    let convolve = workspace.parallel(images, grain: (grain + tiles - 1) / tiles) { range, part in
      withUnsafePointer(to: geometry) {
        apus_winograd_input_grad(
          $0, filters, g, transformed, dx, range.lowerBound, range.upperBound, scratch(part))
      }
    }
    return {
      try transform()
      try convolve()
    }
  }

  /// The gradient of the kernel, cut by slices of the tiles, so that each thread transforms its own, and by filters; by filters
  /// alone where tiles are few.
  func kernelGradient(
    _ x: UnsafePointer<Float>, _ g: UnsafePointer<Float>, _ dk: UnsafeMutablePointer<Float>
  ) -> Kernel {
    let tiles = images * withUnsafePointer(to: geometry) { apus_winograd_tiles($0) }
    func add(
      _ items: Range<Int>, _ strip: Range<Int>, _ target: UnsafeMutablePointer<Float>, _ part: Int
    ) {
      withUnsafePointer(to: geometry) {
        apus_winograd_kernel_grad(
          $0, filters, x, g, items.lowerBound, items.upperBound, target, strip.lowerBound,
          strip.upperBound, scratch(part))
      }
    }
    let slices = min(SlicedSum.most, tiles / 256)
    if slices < 2 {
      return workspace.parallel(filters, grain: 16, multiple: 16) { add(0..<tiles, $0, dk, $1) }
    }
    // The sums of slices lie where the other directions have the transformed kernel.
    let sum = SlicedSum(slices: slices, count: 9 * channels * filters, dk, workspace)
    return sum.kernel(
      of: tiles, multiple: 32, filters: filters, grain: 1 + grain * slices / tiles, add)
  }
}
