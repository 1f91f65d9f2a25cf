import Tensors

/// An image of bytes, row by row from the top left.
struct ByteImage: Equatable {
  let width: Int
  let height: Int
  /// 1 for grey, 3 for red, green and blue.
  let channels: Int
  let pixels: [UInt8]
}

/// The filters of a convolution as tiles of one image.
enum FilterImage {
  /// At most so many tiles; the filters after them are left out.
  static let mostTiles = 64
  /// A tile is at least so many pixels wide.
  private static let smallestTile = 24

  /// The image of a kernel of shape `[height, width, channels, filters]`; nil for any other number of axes, and without elements.
  ///
  /// With three channels a tile is a filter in colour, else each channel of a filter is a tile in grey. 0 is the grey in the middle, and the largest
  /// absolute value of all is white or black: what is brighter than the lines between tiles is positive. Each weight is a square of pixels.
  static func of(_ kernel: Tensor) -> ByteImage? {
    let sizes = kernel.shape.dimensions
    guard sizes.count == 4, kernel.shape.elementCount > 0, kernel.dtype.isFloating
    else { return nil }
    let (height, width, inputs, filters) = (sizes[0], sizes[1], sizes[2], sizes[3])
    let weights = kernel.scalars(as: Double.self)
    let scale = weights.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    func level(_ y: Int, _ x: Int, _ channel: Int, _ filter: Int) -> UInt8 {
      let weight = weights[((y * width + x) * inputs + channel) * filters + filter]
      guard scale > 0, weight.isFinite else { return 128 }
      return UInt8((127.5 + 127.5 * weight / scale).rounded())
    }
    let channels = inputs == 3 ? 3 : 1
    // The filter and the first channel of each tile.
    let all = (0..<filters).flatMap { filter in
      channels == 3 ? [(filter, 0)] : (0..<inputs).map { (filter, $0) }
    }
    let tiles = Array(all.prefix(mostTiles))
    let zoom = max(1, (smallestTile + width - 1) / width)
    var columns = 1
    while columns * columns < tiles.count { columns += 1 }
    let rows = (tiles.count + columns - 1) / columns
    // One pixel lies between tiles and around them.
    let (tileWidth, tileHeight) = (width * zoom + 1, height * zoom + 1)
    let (fullWidth, fullHeight) = (columns * tileWidth + 1, rows * tileHeight + 1)
    var pixels = [UInt8](repeating: 128, count: fullWidth * fullHeight * channels)
    for (index, tile) in tiles.enumerated() {
      let left = 1 + index % columns * tileWidth
      let top = 1 + index / columns * tileHeight
      for y in 0..<height * zoom {
        for x in 0..<width * zoom {
          for channel in 0..<channels {
            pixels[((top + y) * fullWidth + left + x) * channels + channel] = level(
              y / zoom, x / zoom, tile.1 + channel, tile.0)
          }
        }
      }
    }
    return ByteImage(width: fullWidth, height: fullHeight, channels: channels, pixels: pixels)
  }
}
