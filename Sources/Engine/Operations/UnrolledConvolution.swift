import CKernels

/// Convolutions as matrix products of unrolled windows, some output pixels at a time; those of one cell
/// need no unrolling.
struct UnrolledConvolution {
  private let tiles: ConvolutionTiles
  private let images: Int
  private let pixels: Int
  private let filters: Int
  private let dtype: DType
  private let isPointwise: Bool
  private let workspace: Workspace

  /// There is at least one output pixel, channel and filter.
  init(
    _ window: Window2D, image: Shape, output: Shape, _ dtype: DType, _ workspace: Workspace
  ) {
    tiles = ConvolutionTiles(window, image: image, output: output, size: dtype.size)
    images = image[0]
    pixels = output[1] * output[2]
    filters = output[3]
    self.dtype = dtype
    isPointwise = window.isPointwise
    self.workspace = workspace
    if !isPointwise { workspace.require(bytes: tiles.byteCount) }
  }

  /// Rows that are worth a thread.
  private var grain: Int { 400_000 / Swift.max(tiles.depth * filters, 1) + 1 }

  /// The convolution of `x` with `k`, cut by output pixels.
  func forward(
    _ x: UnsafeRawPointer, _ k: UnsafeRawPointer, bias: UnsafeRawPointer?, isRectified: Bool,
    _ y: UnsafeMutableRawPointer
  ) -> Kernel {
    let left = MatrixForm(isTransposed: false, leading: tiles.depth)
    let right = MatrixForm(isTransposed: false, leading: filters)
    return workspace.parallel(tiles.rows, grain: grain, multiple: 8) { range, part in
      tiles.forEach(in: range) { start, count in
        let target = y + start * filters * dtype.size
        var windows = x + start * tiles.depth * dtype.size
        if !isPointwise {
          tiles.unroll(x, start, count, workspace.base(part: part))
          windows = UnsafeRawPointer(workspace.base(part: part))
        }
        gemm(
          dtype, count, filters, tiles.depth, windows, left, k, right, target, leading: filters,
          accumulate: false)
        if let bias {
          apus_add_bias(dtype.code, target, bias, isRectified ? 1 : 0, count, filters)
        }
      }
    }
  }

  /// The gradient of the images, cut by images: windows overlap in them.
  func inputGradient(
    _ g: UnsafeRawPointer, _ k: UnsafeRawPointer, _ dx: UnsafeMutableRawPointer, imageBytes: Int
  ) -> Kernel {
    let left = MatrixForm(isTransposed: false, leading: filters)
    let right = MatrixForm(isTransposed: true, leading: filters)
    return workspace.parallel(images, grain: grain / pixels + 1) { range, part in
      if !isPointwise {
        (dx + range.lowerBound * imageBytes).initializeMemory(
          as: UInt8.self, repeating: 0, count: range.count * imageBytes)
      }
      let rows = range.lowerBound * pixels..<range.upperBound * pixels
      tiles.forEach(in: rows) { start, count in
        let windows =
          isPointwise ? dx + start * tiles.depth * dtype.size : workspace.base(part: part)
        gemm(
          dtype, count, tiles.depth, filters, g + start * filters * dtype.size, left, k, right,
          windows, leading: tiles.depth, accumulate: false)
        if !isPointwise { tiles.roll(windows, start, count, dx, dtype) }
      }
    }
  }

  /// The gradient of the kernel, cut by filters: a sum over all pixels is never cut.
  func kernelGradient(
    _ x: UnsafeRawPointer, _ g: UnsafeRawPointer, _ dk: UnsafeMutableRawPointer
  ) -> Kernel {
    let left = MatrixForm(isTransposed: true, leading: tiles.depth)
    let right = MatrixForm(isTransposed: false, leading: filters)
    let grain = tiles.rows < 2 * self.grain ? filters : 16
    return workspace.parallel(filters, grain: grain, multiple: 16) { range, part in
      let first = range.lowerBound * dtype.size
      tiles.forEach(in: 0..<tiles.rows) { start, count in
        var windows = x + start * tiles.depth * dtype.size
        if !isPointwise {
          tiles.unroll(x, start, count, workspace.base(part: part))
          windows = UnsafeRawPointer(workspace.base(part: part))
        }
        gemm(
          dtype, tiles.depth, range.count, count, windows, left,
          g + start * filters * dtype.size + first, right, dk + first, leading: filters,
          accumulate: start > 0)
      }
    }
  }
}
