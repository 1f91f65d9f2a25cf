/// Gives the bias that is added to a convolution, and a rectifier after it, to the convolution itself, which applies them
/// while its sums are in registers or the cache.
///
/// Only where nobody else reads the sums: what others read stays. The gradient of a rectifier reads its output, which is the
/// output of the convolution then.
///
/// ```
/// %0 = conv2D(in0, in1) : float32 [2, 10, 10, 32]
/// %1 = broadcastTo(in2) : float32 [2, 10, 10, 32]
/// %2 = add(%0, %1) : float32 [2, 10, 10, 32]      %0 = conv2D(add reLU)(in0, in1, in2) : float32 [2, 10, 10, 32]
/// %3 = reLU(%2) : float32 [2, 10, 10, 32]         return %0
/// return %3
/// ```
package struct ConvolutionEpilogue: Pass {
  package let name = "convolution epilogue"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    let uses = GraphUses(graph)
    return graph.rewritten { node, inputs in
      if node.primitive is AddOperation {
        for (sum, other) in [(0, 1), (1, 0)] where uses.hasOneReader(node.inputs[sum]) {
          if let fused = Self.adding(inputs[other], to: inputs[sum], node) { return fused }
        }
      }
      if node.primitive is ReLUOperation, uses.hasOneReader(node.inputs[0]) {
        return Self.rectifying(inputs[0], node)
      }
      return nil
    }
  }

  /// The convolution with a bias, if `sum` is one and `other` has a number for each filter.
  private static func adding(_ other: Tensor, to sum: Tensor, _ node: Node) -> [Tensor]? {
    guard let convolution = sum.tracedNode, let spread = other.tracedNode,
      let operation = convolution.primitive as? ConvOperation, operation.epilogue == .none,
      spread.primitive is BroadcastTo, let bias = spread.inputs.first,
      bias.shape == [sum.shape[-1]]
    else { return nil }
    return node.replaced(by: operation.with(.bias), convolution.inputs + [bias])
  }

  /// The convolution with a bias and a rectifier, if `sum` has a bias.
  private static func rectifying(_ sum: Tensor, _ node: Node) -> [Tensor]? {
    guard let convolution = sum.tracedNode,
      let operation = convolution.primitive as? ConvOperation, operation.epilogue == .bias
    else { return nil }
    return node.replaced(by: operation.with(.biasReLU), convolution.inputs)
  }
}
