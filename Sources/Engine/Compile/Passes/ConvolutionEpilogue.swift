/// Gives the bias that is added to a convolution, and a rectifier after it, to the convolution itself, which applies them
/// while its sums are in registers or the cache.
///
/// Only where nobody else reads the sums: what others read stays. The gradient of a rectifier reads its output, which is the
/// output of the convolution then.
package struct ConvolutionEpilogue: Pass {
  package let name = "convolution epilogue"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    let uses = Uses(graph)
    return graph.rewritten { node, inputs in
      if node.primitive is Add {
        for (sum, other) in [(0, 1), (1, 0)] where uses.isOnlyOne(of: node.inputs[sum]) {
          if let fused = Self.adding(inputs[other], to: inputs[sum], node) { return fused }
        }
      }
      if node.primitive is ReLUOperation, uses.isOnlyOne(of: node.inputs[0]) {
        return Self.rectifying(inputs[0], node)
      }
      return nil
    }
  }

  /// The convolution with a bias, if `sum` is one and `other` has a number for each filter.
  private static func adding(_ other: Tensor, to sum: Tensor, _ node: Node) -> [Tensor]? {
    guard let convolution = sum.tracedNode, let spread = other.tracedNode,
      let operation = convolution.primitive as? Conv2DOperation, operation.epilogue == .none,
      spread.primitive is BroadcastTo, let bias = spread.inputs.first,
      bias.shape == [sum.shape[3]]
    else { return nil }
    return replacing(
      node, by: Conv2DOperation(window: operation.window, epilogue: .bias),
      convolution.inputs + [bias])
  }

  /// The convolution with a bias and a rectifier, if `sum` has a bias.
  private static func rectifying(_ sum: Tensor, _ node: Node) -> [Tensor]? {
    guard let convolution = sum.tracedNode,
      let operation = convolution.primitive as? Conv2DOperation, operation.epilogue == .bias
    else { return nil }
    return replacing(
      node, by: Conv2DOperation(window: operation.window, epilogue: .biasReLU),
      convolution.inputs)
  }

  private static func replacing(
    _ node: Node, by operation: Conv2DOperation, _ inputs: [Tensor]
  ) -> [Tensor] {
    [Node(primitive: operation, inputs: inputs, outputs: node.outputs, values: []).output(0)]
  }

  /// How often each output of a node is read.
  private struct Uses {
    private var counts: [Use: Int] = [:]

    init(_ graph: Graph) {
      let kept = graph.outputs + graph.updates.map(\.value)
      for tensor in graph.nodes.flatMap(\.inputs) + kept {
        if let use = Use(tensor) { counts[use, default: 0] += 1 }
      }
    }

    func isOnlyOne(of tensor: Tensor) -> Bool { Use(tensor).map { counts[$0] == 1 } ?? false }
  }

  private struct Use: Hashable {
    let id: Int
    let output: Int

    init?(_ tensor: Tensor) {
      guard let node = tensor.tracedNode else { return nil }
      (id, output) = (node.id, tensor.outputIndex)
    }
  }
}

extension Tensor {
  /// The operation that will compute this tensor; nil for one with values.
  fileprivate var tracedNode: Node? { isTraced ? node : nil }
}
