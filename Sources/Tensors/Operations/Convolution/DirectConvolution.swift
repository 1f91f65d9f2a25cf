import CKernels

/// Convolutions of float32 images (or sequences) with few channels, and the gradient of the kernel, without unrolling.
struct DirectConvolution {
  private let geometry: apus_conv
  private let images: Int
  private let filters: Int
  private let workspace: Workspace
  /// Multiply-adds of one image.
  private let work: Int
  /// Elements of the kernel.
  private let cells: Int
  /// The sums of slices, which threads share, come first in the scratch memory of part 0.
  private let sumBytes: Int

  init(_ window: Window, image: Shape, output: Shape, _ workspace: Workspace) {
    geometry = window.geometry(image: image, output: output)
    images = image[0]
    filters = output[-1]
    work = (output.spatial + window.size).reduce(filters * image[-1], *)
    self.workspace = workspace
    let padded = withUnsafePointer(to: geometry) { apus_direct_scratch_size($0) }
    cells = window.size.reduce(filters * image[-1], *)
    sumBytes = SlicedSum.bytes(count: cells)
    workspace.require(bytes: sumBytes + Swift.max(padded, 1) * MemoryLayout<Float>.size)
  }

  private func scratch(_ part: Int) -> UnsafeMutablePointer<Float> {
    (workspace.base(part: part) + sumBytes).assumingMemoryBound(to: Float.self)
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

  /// The gradient of the kernel, cut by slices of the images and by filters.
  func kernelGradient(
    _ x: UnsafePointer<Float>, _ g: UnsafePointer<Float>, _ dk: UnsafeMutablePointer<Float>
  ) -> Kernel {
    func add(
      _ items: Range<Int>, _ strip: Range<Int>, _ target: UnsafeMutablePointer<Float>, _ part: Int
    ) {
      withUnsafePointer(to: geometry) {
        apus_direct_kernel_grad(
          $0, filters, x, g, items.lowerBound, items.upperBound, target, strip.lowerBound,
          strip.upperBound, scratch(part))
      }
    }
    let slices = min(SlicedSum.most, images, images * work / 400_000)
    if slices < 2 { return { add(0..<images, 0..<filters, dk, 0) } }
    return SlicedSum(slices: slices, count: cells, dk, workspace)
      .kernel(of: images, filters: filters, grain: 1, add)
  }
}
