import CKernels

/// Convolutions as matrix products of unrolled windows, some output pixels and one group at a time; those of
/// one cell need no unrolling.
struct UnrolledConvolution {
  private let tiles: ConvolutionTiles
  private let images: Int
  private let pixels: Int
  private let groups: Int
  private let channels: Int
  private let filters: Int
  private let dtype: DType
  private let isPointwise: Bool
  private let workspace: Workspace
  private let precision: ProductPrecision
  /// Where the scratch memory of products is: after the unrolled windows.
  private let scratchOffset: Int

  /// There is at least one output pixel, channel and filter.
  init(
    _ window: Window, groups: Int, image: Shape, output: Shape, _ dtype: DType,
    _ workspace: Workspace, _ precision: ProductPrecision
  ) {
    (channels, filters) = (image[-1], output[-1])
    tiles = ConvolutionTiles(
      window, image: image, output: output, channels: channels / groups, size: dtype.size)
    images = image[0]
    pixels = output.spatial.reduce(1, *)
    self.groups = groups
    self.dtype = dtype
    isPointwise = window.isPointwise
    self.workspace = workspace
    self.precision = precision
    scratchOffset = isPointwise ? 0 : Storage.aligned(tiles.byteCount)
    workspace.require(bytes: scratchOffset)
  }

  /// Rows that are worth a thread.
  private var grain: Int { 400_000 / Swift.max(tiles.depth * filters, 1) + 1 }

  /// Filters of a group.
  private var width: Int { filters / groups }

  /// Where the numbers of a group start within one pixel of the images.
  private func inputOffset(_ group: Int) -> Int { group * (channels / groups) * dtype.size }

  /// Where the numbers of a group start within one pixel of the output, or one row of the kernel.
  private func outputOffset(_ group: Int) -> Int { group * width * dtype.size }

  /// Distance between the rows of the matrix of windows.
  private var leading: Int { isPointwise ? channels : tiles.depth }

  /// The windows of a group over some output pixels: unrolled, or the pixels themselves.
  private func windows(
    _ x: UnsafeRawPointer, _ group: Int, _ start: Int, _ count: Int, _ part: Int
  ) -> UnsafeRawPointer {
    let first = x + inputOffset(group)
    if isPointwise { return first + start * channels * dtype.size }
    tiles.unroll(first, start, count, workspace.base(part: part))
    return UnsafeRawPointer(workspace.base(part: part))
  }

  /// A product of `rows`, `columns` and `depth` at most; its left and right factor; row-major with `leading` elements
  /// between rows of the result.
  private typealias Product = (
    _ rows: Int, _ columns: Int, _ depth: Int, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, _ leading: Int, _ accumulate: Bool, _ part: Int
  ) -> Void

  private func product(
    rows: Int, columns: Int, depth: Int, _ left: MatrixForm, _ right: MatrixForm
  ) -> Product {
    let offset = scratchOffset
    if precision == .bfloat16 {
      let rounded = RoundedProduct()
      workspace.require(bytes: offset + rounded.scratchBytes)
      return { m, n, k, a, b, y, leading, accumulate, part in
        rounded.multiply(
          m, n, k, a, left.strides, b, right.strides, y, leading: leading, accumulate: accumulate,
          workspace.base(part: part) + offset)
      }
    }
    guard dtype == .float32,
      let own = Float32Product(
        rows: rows, columns: columns, depth: depth, left.strides, right.strides,
        scratchOffset: offset)
    else {
      return { m, n, k, a, b, y, leading, accumulate, _ in
        gemm(dtype, m, n, k, a, left, b, right, y, leading: leading, accumulate: accumulate)
      }
    }
    workspace.require(bytes: offset + own.scratchBytes)
    return { m, n, k, a, b, y, leading, accumulate, part in
      own(
        m, n, depth: k, a, b, y, leading: leading, accumulate: accumulate, workspace, part: part)
    }
  }

  /// The convolution of `x` with `k`, cut by output pixels.
  func forward(
    _ x: UnsafeRawPointer, _ k: UnsafeRawPointer, bias: UnsafeRawPointer?, isRectified: Bool,
    _ y: UnsafeMutableRawPointer
  ) -> Kernel {
    let multiply = product(
      rows: tiles.tileRows, columns: width, depth: tiles.depth,
      MatrixForm(isTransposed: false, leading: leading),
      MatrixForm(isTransposed: false, leading: filters))
    return workspace.parallel(tiles.rows, grain: grain, multiple: 8) { range, part in
      tiles.forEach(in: range) { start, count in
        let target = y + start * filters * dtype.size
        for group in 0..<groups {
          let offset = outputOffset(group)
          multiply(
            count, width, tiles.depth, windows(x, group, start, count, part), k + offset,
            target + offset, filters, false, part)
        }
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
    let multiply = product(
      rows: tiles.tileRows, columns: tiles.depth, depth: width,
      MatrixForm(isTransposed: false, leading: filters),
      MatrixForm(isTransposed: true, leading: filters))
    return workspace.parallel(images, grain: grain / pixels + 1) { range, part in
      if !isPointwise {
        (dx + range.lowerBound * imageBytes).initializeMemory(
          as: UInt8.self, repeating: 0, count: range.count * imageBytes)
      }
      let rows = range.lowerBound * pixels..<range.upperBound * pixels
      tiles.forEach(in: rows) { start, count in
        for group in 0..<groups {
          let first = dx + inputOffset(group)
          let windows =
            isPointwise ? first + start * channels * dtype.size : workspace.base(part: part)
          multiply(
            count, tiles.depth, width, g + start * filters * dtype.size + outputOffset(group),
            k + outputOffset(group), windows, leading, false, part)
          if !isPointwise { tiles.roll(windows, start, count, first, dtype) }
        }
      }
    }
  }

  /// The gradient of the kernel, cut by groups or, when there is one, by filters: a sum over all pixels is
  /// never cut.
  func kernelGradient(
    _ x: UnsafeRawPointer, _ g: UnsafeRawPointer, _ dk: UnsafeMutableRawPointer
  ) -> Kernel {
    let multiply = product(
      rows: tiles.depth, columns: width, depth: tiles.tileRows,
      MatrixForm(isTransposed: true, leading: leading),
      MatrixForm(isTransposed: false, leading: filters))
    func sum(_ group: Int, _ strip: Range<Int>, _ part: Int) {
      let first = strip.lowerBound * dtype.size
      tiles.forEach(in: 0..<tiles.rows) { start, count in
        multiply(
          tiles.depth, strip.count, count, windows(x, group, start, count, part),
          g + start * filters * dtype.size + first, dk + first, filters, start > 0, part)
      }
    }
    let isSmall = tiles.rows < 2 * grain
    if groups == 1 {
      let grain = isSmall ? filters : 16
      return workspace.parallel(filters, grain: grain, multiple: 16) { strip, part in
        sum(0, strip, part)
      }
    }
    return workspace.parallel(groups, grain: isSmall ? groups : 1) { range, part in
      for group in range { sum(group, group * width..<(group + 1) * width, part) }
    }
  }
}
