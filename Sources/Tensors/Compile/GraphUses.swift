/// Who reads the results of a graph's operations.
struct GraphUses {
  private struct Result: Hashable {
    let node: Int
    let output: Int
  }

  private var readers: [Result: [Node]] = [:]
  private var kept: Set<Result> = []

  /// One look at each operation.
  init(_ graph: Graph) {
    for node in graph.nodes {
      for input in node.inputs {
        guard let result = Self.result(input), readers[result]?.last !== node else { continue }
        readers[result, default: []].append(node)
      }
    }
    kept = Set((graph.outputs + graph.updates.map(\.value)).compactMap(Self.result))
  }

  private static func result(_ tensor: Tensor) -> Result? {
    tensor.tracedNode.map { Result(node: $0.id, output: tensor.outputIndex) }
  }

  /// The operations that read an output, in order, each once.
  func readers(of node: Node, output: Int = 0) -> [Node] {
    readers[Result(node: node.id, output: output)] ?? []
  }

  /// Whether an output is one of the graph's, or the new value of a variable.
  func isKept(_ node: Node, output: Int = 0) -> Bool {
    kept.contains(Result(node: node.id, output: output))
  }

  /// Whether one operation reads an output and nothing else needs it.
  func hasOneReader(_ node: Node, output: Int = 0) -> Bool {
    readers(of: node, output: output).count == 1 && !isKept(node, output: output)
  }

  /// Whether one operation reads a traced tensor and nothing else needs it.
  func hasOneReader(_ tensor: Tensor) -> Bool {
    tensor.tracedNode.map { hasOneReader($0, output: tensor.outputIndex) } ?? false
  }
}

extension Tensor {
  /// The operation that will compute this tensor; nil for one with values.
  var tracedNode: Node? { isTraced ? node : nil }

  /// The tensor that this one is a view of, as far back as views go.
  var viewedWhole: Tensor {
    var tensor = self
    while let node = tensor.tracedNode, node.inputs.count == 1, node.outputs.count == 1,
      node.primitive.view(of: Layout(rowMajor: node.inputs[0].shape)) != nil
    {
      tensor = node.inputs[0]
    }
    return tensor
  }

  /// Whether both are the same output of one traced operation, or the same memory seen in the same way.
  func isSame(as other: Tensor) -> Bool {
    guard isTraced == other.isTraced, dtype == other.dtype, layout == other.layout else {
      return false
    }
    return isTraced
      ? node === other.node && outputIndex == other.outputIndex : storage === other.storage
  }
}
