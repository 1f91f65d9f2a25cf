/// The order in which a plan runs its operations.
enum Schedule {
  /// The order of the trace, except that the reduction of a bucket starts as soon as its last gradient is there.
  static func order(_ nodes: [Node]) -> [Node] {
    var starts: [Int: [Node]] = [:]
    var moved: Set<Int> = []
    for node in nodes where node.primitive.startedWork != nil {
      // An input, a variable or a constant is there from the beginning.
      let operations = node.inputs.compactMap(\.tracedNode)
        .filter { !($0.primitive is Placeholder) }
      guard let last = operations.map(\.id).max() else { continue }
      starts[last, default: []].append(node)
      moved.insert(node.id)
    }
    var ordered: [Node] = []
    for node in nodes where !moved.contains(node.id) {
      ordered.append(node)
      ordered += starts[node.id] ?? []
    }
    return ordered
  }
}
