/// One product cut into blocks of nearly equal size, one a thread.
struct ProductBlocks {
  /// Fewer multiplications than this (some 20 microseconds) are not worth a thread of their own: its factors and its
  /// result then move from one core's cache to another's for longer than it works on them. Measured: a step of a
  /// 784-32-10 network takes 45 microseconds with its products of 800,000 cut in two, and 38 without.
  static let grain = 1_000_000

  private let blocks: [(rows: Range<Int>, columns: Range<Int>)]

  /// The grid with the least to read: each block reads `rows·depth` and `depth·columns` elements, and may have to pack
  /// them.
  ///
  /// - Parameters:
  ///   - rows: of the left factor.
  ///   - columns: of the right factor.
  ///   - depth: terms of each sum.
  ///   - threads: blocks at most.
  ///   - precision: what multiplies.
  ///   - readsInPlace: whether the right factor is multiplied where it lies, which costs next to nothing to do again: blocks of
  ///     whole rows then keep the caches of two cores from passing the lines of the result to and fro.
  init(
    rows: Int, columns: Int, depth: Int, _ threads: Int, _ precision: ProductPrecision = .exact,
    readsInPlace: Bool = false
  ) {
    let right = readsInPlace ? 2 : 16
    // Whole register tiles of the kernels.
    let tile = precision == .exact ? (rows: 16, columns: 16) : (rows: 12, columns: 32)
    let parts = max(1, min(threads, rows * columns * depth / Self.grain))
    var best = [(rows: 0..<rows, columns: 0..<columns)]
    var cost = Int.max
    for down in 1...parts where parts % down == 0 {
      let bands = Workspace.parts(rows, threads: down, multiple: tile.rows)
      let strips = Workspace.parts(columns, threads: parts / down, multiple: tile.columns)
      guard let band = bands.map(\.count).max(), let strip = strips.map(\.count).max() else {
        continue
      }
      let own = band * strip * depth + (16 * band + right * strip) * depth
      if own < cost {
        cost = own
        best = bands.flatMap { band in strips.map { (band, $0) } }
      }
    }
    blocks = best
  }

  var count: Int { blocks.count }
  subscript(part: Int) -> (rows: Range<Int>, columns: Range<Int>) { blocks[part] }
}
