import CKernels

/// The rows of the matrix of unrolled windows `[n · oh · ow, kh · kw · c]`, in pieces that stay in
/// the cache.
struct ConvolutionTiles {
  /// Output pixels of all images.
  let rows: Int
  /// Cells of one window, over all channels.
  let depth: Int
  /// Output pixels of a piece at most.
  let tileRows: Int
  private let pixels: Int
  private let imageBytes: Int
  private let size: Int
  private let geometry: apus_conv

  /// Bytes of a piece: half of a usual second-level cache, the rest is for the other matrices of
  /// the product.
  private static let tileBytes = 512 << 10

  /// - Parameters:
  ///   - window: what is unrolled.
  ///   - image: `[n, spatial axes..., c]`.
  ///   - output: `[n, spatial axes..., f]`.
  ///   - channels: how many channels of the images the windows have: those of a group.
  ///   - size: bytes of an element.
  init(_ window: Window, image: Shape, output: Shape, channels: Int, size: Int) {
    pixels = output.spatial.reduce(1, *)
    rows = output[0] * pixels
    depth = window.size.reduce(channels, *)
    imageBytes = image.dropFirst().reduce(size, *)
    self.size = size
    geometry = window.geometry(image: image, output: output, channels: channels)
    let fitting = Self.tileBytes / Swift.max(depth * size, 1)
    // Fewer rows than this leave the product no work to hide its packing behind.
    tileRows = Swift.min(Swift.max(fitting, 64), Swift.max(rows, 1))
  }

  /// Scratch memory for one piece.
  var byteCount: Int { tileRows * depth * size }

  /// Calls `body` with the first row and the number of rows of each piece of some rows.
  func forEach(in range: Range<Int>, _ body: (_ start: Int, _ count: Int) -> Void) {
    var start = range.lowerBound
    while start < range.upperBound {
      let count = Swift.min(tileRows, range.upperBound - start)
      body(start, count)
      start += count
    }
  }

  /// Writes the windows of `count` output pixels to `target`.
  func unroll(
    _ images: UnsafeRawPointer, _ start: Int, _ count: Int, _ target: UnsafeMutableRawPointer
  ) {
    forEachImage(start, count) { image, first, last, row in
      withUnsafePointer(to: geometry) {
        apus_im2col(
          Int32(size), $0, images + image * imageBytes, target + row * depth * size, first, last)
      }
    }
  }

  /// Adds the windows of `count` output pixels to the images they were taken from.
  func roll(
    _ windows: UnsafeRawPointer, _ start: Int, _ count: Int, _ images: UnsafeMutableRawPointer,
    _ dtype: DType
  ) {
    forEachImage(start, count) { image, first, last, row in
      withUnsafePointer(to: geometry) {
        apus_col2im_add(
          dtype.code, $0, windows + row * depth * size, images + image * imageBytes, first, last)
      }
    }
  }

  /// Splits rows at the borders of images: the image, its first and last pixel (exclusive), and
  /// where they start among the rows.
  private func forEachImage(
    _ start: Int, _ count: Int,
    _ body: (_ image: Int, _ first: Int32, _ last: Int32, _ row: Int) -> Void
  ) {
    var row = start
    while row < start + count {
      let (image, first) = (row / pixels, row % pixels)
      let last = Swift.min(pixels, first + start + count - row)
      body(image, Int32(first), Int32(last), row - start)
      row += last - first
    }
  }
}
