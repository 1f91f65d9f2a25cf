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

/// A primitive that runs a graph of its own, which passes that change results must reach too.
protocol HoldsGraph: Primitive {
  /// The same primitive after a pass has gone through its graph.
  func rewritten(by pass: any Pass) -> any Primitive
}

extension Graph {
  /// Rebuilds the graph node by node.
  ///
  /// - Parameter rebuild: gets a node and its inputs in the new graph, and gives its outputs there; nil keeps the node
  ///   as it is (with new inputs).
  /// - Returns: the graph of the new nodes, with the same inputs and as many outputs and updates.
  package func rewritten(_ rebuild: (Node, [Tensor]) -> [Tensor]?) -> Graph {
    var replaced: [Int: [Tensor]] = [:]
    func current(_ tensor: Tensor) -> Tensor {
      guard let node = tensor.tracedNode, let outputs = replaced[node.id] else { return tensor }
      return outputs[tensor.outputIndex]
    }
    for node in nodes {
      let inputs = node.inputs.map(current)
      // Rebuilt even when nothing changed, so that numbers stay in the order of the trace.
      replaced[node.id] = rebuild(node, inputs) ?? node.replaced(by: node.primitive, inputs)
    }
    var graph = self
    graph.outputs = outputs.map(current)
    graph.updates = updates.map { ($0.variable, current($0.value)) }
    graph.kept = kept.map(current)
    return graph
  }
}

extension Node {
  /// The outputs of another operation in place of this one, of the same shapes and types.
  func replaced(by primitive: any Primitive, _ inputs: [Tensor]) -> [Tensor] {
    let fresh = Node(primitive: primitive, inputs: inputs, outputs: outputs, values: [])
    return outputs.indices.map(fresh.output)
  }
}
