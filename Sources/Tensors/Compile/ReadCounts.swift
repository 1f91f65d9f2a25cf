/// How often the results of a graph's operations are read: by operations, as outputs and as new values of variables, and
/// through views of them, which are the same memory.
struct ReadCounts {
  private struct Result: Hashable {
    let node: Int
    let output: Int
  }

  private var counts: [Result: Int] = [:]

  init(_ graph: Graph) {
    for node in graph.nodes {
      for input in node.inputs {
        // What a view looks at is read by whoever reads the view.
        let isView =
          node.inputs.count == 1 && node.outputs.count == 1
          && node.primitive.view(of: Layout(rowMajor: input.shape)) != nil
        if !isView { count(input) }
      }
    }
    for tensor in graph.outputs + graph.updates.map(\.value) { count(tensor) }
  }

  private mutating func count(_ tensor: Tensor) {
    if let result = Self.result(tensor) { counts[result, default: 0] += 1 }
  }

  private static func result(_ tensor: Tensor) -> Result? {
    let whole = tensor.viewedWhole
    return whole.tracedNode.map { Result(node: $0.id, output: whole.outputIndex) }
  }

  /// How often a traced tensor, or the whole that it is a view of, is read; 0 for one with values.
  subscript(tensor: Tensor) -> Int { Self.result(tensor).flatMap { counts[$0] } ?? 0 }
}
