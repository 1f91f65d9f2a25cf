/// A rewriting of a graph that does not change what it computes.
package protocol Pass: Sendable {
  /// The name in printed plans.
  var name: String { get }
  /// The graph in its new form.
  func run(_ graph: Graph) -> Graph
}

/// The passes that every plan goes through, in order.
package enum Passes {
  package static let standard: [any Pass] = [
    CommonSubexpressions(), ConvolutionEpilogue(), SliceGradients(), ElementwiseFusion(),
    ProductEpilogue(),
  ]
}

extension Graph {
  /// Rebuilds the graph node by node.
  ///
  /// - Parameter rebuild: gets a node and its inputs in the new graph, and gives its outputs there; nil keeps the node
  ///   as it is (with new inputs).
  package func rewritten(_ rebuild: (Node, [Tensor]) -> [Tensor]?) -> Graph {
    var replaced: [Int: [Tensor]] = [:]
    func current(_ tensor: Tensor) -> Tensor {
      guard tensor.isTraced, let node = tensor.node, let outputs = replaced[node.id] else {
        return tensor
      }
      return outputs[tensor.outputIndex]
    }
    for node in nodes {
      let inputs = node.inputs.map(current)
      if let outputs = rebuild(node, inputs) {
        replaced[node.id] = outputs
      } else {
        // Rebuilt even when nothing changed, so that numbers stay in the order of the trace.
        let fresh = Node(
          primitive: node.primitive, inputs: inputs, outputs: node.outputs, values: [])
        replaced[node.id] = node.outputs.indices.map(fresh.output)
      }
    }
    var graph = self
    graph.outputs = outputs.map(current)
    graph.updates = updates.map { ($0.variable, current($0.value)) }
    return graph
  }
}
