/// The order in which a plan runs its operations.
enum Schedule {
  /// The order of the trace, except that the reduction of a bucket starts as soon as its last gradient is there, and every bucket
  /// before it has started.
  ///
  /// So buckets start in their own order on every rank, also where a gradient of one rank is a constant, which is there
  /// from the beginning.
  static func order(_ nodes: [Node]) -> [Node] {
    var starts: [Int: [Node]] = [:]
    var first: [Node] = []
    var moved: Set<Int> = []
    var lastPlace: Int?
    for node in nodes where node.primitive.startedWork != nil {
      let operations = node.inputs.compactMap(\.tracedNode)
        .filter { !($0.primitive is Placeholder) }
      lastPlace = [lastPlace, operations.map(\.id).max()].compactMap(\.self).max()
      if let lastPlace { starts[lastPlace, default: []].append(node) } else { first.append(node) }
      moved.insert(node.id)
    }
    var ordered = first
    for node in nodes where !moved.contains(node.id) {
      ordered.append(node)
      ordered += starts[node.id] ?? []
    }
    return ordered
  }
}
