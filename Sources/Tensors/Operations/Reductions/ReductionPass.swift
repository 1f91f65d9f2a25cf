/// One call of a reduction kernel: `[outer, count, inner]` to `[outer, inner]`.
struct ReductionPass: Equatable {
  var outer: Int
  var count: Int
  var inner: Int
  /// Into how many chunks one long reduction is cut.
  static let chunks = 16

  /// The calls that fold `axes` of a row-major tensor; at least one.
  static func plan(shape: Shape, axes: [Int]) -> [ReductionPass] {
    if shape.elementCount == 0 {
      // Nothing is read: each result is what folding no elements gives.
      let results = shape.reduced(axes, keepDims: false).elementCount
      return [ReductionPass(outer: results, count: 0, inner: 1)]
    }
    // Neighbouring axes that are both folded, or both kept, act as one.
    var groups: [(length: Int, folded: Bool)] = []
    for (axis, length) in shape.enumerated() where length != 1 {
      let folded = axes.contains(axis)
      if let last = groups.indices.last, groups[last].folded == folded {
        groups[last].length *= length
      } else {
        groups.append((length, folded))
      }
    }
    var passes: [ReductionPass] = []
    while let index = groups.lastIndex(where: \.folded) {
      passes.append(
        ReductionPass(
          outer: groups[..<index].reduce(1) { $0 * $1.length }, count: groups[index].length,
          inner: groups[(index + 1)...].reduce(1) { $0 * $1.length }))
      groups.remove(at: index)
    }
    return passes.isEmpty ? [ReductionPass(outer: shape.elementCount, count: 1, inner: 1)] : passes
  }
}
