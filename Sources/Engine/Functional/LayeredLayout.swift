import Tensors

/// Places boxes of a directed graph without cycles in rows, so that all edges go down and few cross.
///
/// Rows by the longest path, order within a row by the mean of neighbours, places by least squares.
///
/// - SeeAlso: Sugiyama, Tagawa, Toda, *Methods for Visual Understanding of Hierarchical System Structures* (1981).
struct LayeredLayout {
  /// A point of the picture, in pixels from the left upper corner.
  struct Point: Hashable {
    var x: Double
    var y: Double
  }

  /// The centre of every box.
  private(set) var centers: [Point] = []
  /// The points that each edge passes, from the lower side of a box to the upper side of another.
  private(set) var routes: [[Point]] = []
  private(set) var width = 0.0
  private(set) var height = 0.0

  /// Boxes first, then bends of edges that cross a row.
  private var sizes: [Point]
  private var rows: [[Int]] = []
  /// The points of each edge: a box, bends, a box.
  private var chains: [[Int]] = []
  private var above: [[Int]] = []
  private var below: [[Int]] = []
  private let boxCount: Int
  private static let gap = Point(x: 28, y: 40)
  private static let margin = 16.0

  /// - Parameters:
  ///   - sizes: width and height of the boxes, in an order in which every edge leads to a later one.
  ///   - edges: pairs of boxes.
  init(sizes: [Point], edges: [(from: Int, to: Int)]) {
    self.sizes = sizes
    boxCount = sizes.count
    guard !sizes.isEmpty else { return }
    assignRows(edges)
    order()
    place()
  }

  private mutating func assignRows(_ edges: [(from: Int, to: Int)]) {
    var row = [Int](repeating: 0, count: boxCount)
    for edge in edges.sorted(by: { $0.to < $1.to }) {
      row[edge.to] = max(row[edge.to], row[edge.from] + 1)
    }
    // What nothing leads to stands right above what it leads to first.
    for box in 0..<boxCount where !edges.contains(where: { $0.to == box }) {
      let targets = edges.filter { $0.from == box }.map { row[$0.to] }
      if let first = targets.min() { row[box] = first - 1 }
    }
    rows = [[Int]](repeating: [], count: (row.max() ?? 0) + 1)
    for box in 0..<boxCount { rows[row[box]].append(box) }
    for edge in edges {
      var chain = [edge.from]
      for between in (row[edge.from] + 1)..<max(row[edge.to], row[edge.from] + 1) {
        chain.append(sizes.count)
        rows[between].append(sizes.count)
        sizes.append(Point(x: 0, y: 0))
      }
      chains.append(chain + [edge.to])
    }
    above = [[Int]](repeating: [], count: sizes.count)
    below = above
    for chain in chains {
      for (upper, lower) in zip(chain, chain.dropFirst()) {
        above[lower].append(upper)
        below[upper].append(lower)
      }
    }
  }

  /// Sorts every row by the mean place of neighbours in the row above, then below, in turn; the best order counts.
  private mutating func order() {
    var best = rows
    var fewest = crossings
    for round in 0..<12 where fewest > 0 {
      let down = round % 2 == 0
      let sequence = down ? Array(rows.indices.dropFirst()) : rows.indices.dropLast().reversed()
      for row in sequence {
        let other = Self.positions(rows[down ? row - 1 : row + 1])
        let keys = rows[row].enumerated().map { place, item in
          let neighbours = (down ? above : below)[item].compactMap { other[$0] }
          return neighbours.isEmpty
            ? Double(place) : Double(neighbours.reduce(0, +)) / Double(neighbours.count)
        }
        let sorted = rows[row].indices.sorted {
          keys[$0] == keys[$1] ? $0 < $1 : keys[$0] < keys[$1]
        }
        rows[row] = sorted.map { rows[row][$0] }
      }
      let count = crossings
      if count < fewest { (best, fewest) = (rows, count) }
    }
    rows = best
  }

  /// Pairs of edges between neighbouring rows that cross.
  private var crossings: Int {
    var count = 0
    for row in rows.indices.dropLast() {
      let other = Self.positions(rows[row + 1])
      let ends = rows[row].flatMap { item in below[item].compactMap { other[$0] }.sorted() }
      let starts = rows[row].enumerated().flatMap { place, item in below[item].map { _ in place } }
      for first in ends.indices {
        for second in ends.indices.dropFirst(first + 1)
        where starts[first] != starts[second] && ends[first] > ends[second] { count += 1 }
      }
    }
    return count
  }

  private static func positions(_ row: [Int]) -> [Int: Int] {
    Dictionary(uniqueKeysWithValues: row.enumerated().map { ($1, $0) })
  }

  private mutating func place() {
    var x = [Double](repeating: 0, count: sizes.count)
    for row in rows {
      for (left, item) in zip(row, row.dropFirst()) { x[item] = x[left] + distance(left, item) }
    }
    for round in 0..<16 {
      let sequence = round % 2 == 0 ? Array(rows.indices) : rows.indices.reversed()
      for row in sequence { settle(rows[row], &x) }
    }
    let left = zip(x, sizes).map { $0 - $1.x / 2 }.min() ?? 0
    let right = zip(x, sizes).map { $0 + $1.x / 2 }.max() ?? 0
    var y = [Double](repeating: 0, count: sizes.count)
    var top = Self.margin
    for row in rows {
      let tallest = row.map { sizes[$0].y }.max() ?? 0
      for item in row {
        y[item] = top + tallest / 2
        // A bend is a straight piece past the boxes of its row.
        if item >= boxCount { sizes[item].y = tallest }
      }
      top += tallest + Self.gap.y
    }
    width = right - left + 2 * Self.margin
    height = top - Self.gap.y + Self.margin
    let points = zip(x, y).map { Point(x: ($0 - left + Self.margin).rounded(), y: $1.rounded()) }
    centers = Array(points.prefix(boxCount))
    routes = chains.map { chain in
      let ends = chain.flatMap { item in
        [-1.0, 1].map { Point(x: points[item].x, y: points[item].y + $0 * sizes[item].y / 2) }
      }
      return Array(ends.dropFirst().dropLast())
    }
  }

  private func distance(_ left: Int, _ right: Int) -> Double {
    (sizes[left].x + sizes[right].x) / 2 + Self.gap.x
  }

  /// Moves a row as near as it can be to the means of its neighbours above and below, in order and without overlaps:
  /// isotonic regression by pooling neighbours that would overlap.
  private func settle(_ row: [Int], _ x: inout [Double]) {
    var offsets: [Double] = []
    var pools: [(sum: Double, weight: Double, count: Int)] = []
    for (place, item) in row.enumerated() {
      offsets.append(place == 0 ? 0 : offsets[place - 1] + distance(row[place - 1], item))
      let neighbours = above[item] + below[item]
      let wanted =
        neighbours.isEmpty
        ? x[item] : neighbours.reduce(0) { $0 + x[$1] } / Double(neighbours.count)
      // Bends keep long edges straight.
      let weight = item < boxCount ? 1.0 : 3.0
      pools.append((weight * (wanted - offsets[place]), weight, 1))
      while pools.count > 1 {
        let (a, b) = (pools[pools.count - 2], pools[pools.count - 1])
        guard a.sum / a.weight > b.sum / b.weight else { break }
        pools.removeLast(2)
        pools.append((a.sum + b.sum, a.weight + b.weight, a.count + b.count))
      }
    }
    var place = 0
    for pool in pools {
      for _ in 0..<pool.count {
        x[row[place]] = pool.sum / pool.weight + offsets[place]
        place += 1
      }
    }
  }
}
