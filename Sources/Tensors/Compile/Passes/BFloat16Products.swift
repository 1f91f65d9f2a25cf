/// Lets matrix products round their factors to bfloat16: part of ``PrecisionPolicy/mixedBFloat16``.
///
/// Products too small to fill the registers stay as they are, such as those of a last layer with few classes, whose
/// rounding would also be felt most.
///
/// ```
/// %0 = matMul(in0, in1) : float32 [32, 64]        %0 = matMul[bfloat16](in0, in1) : float32 [32, 64]
/// return %0                                       return %0
/// ```
package struct BFloat16Products: Pass {
  package let name = "bfloat16 products"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    graph.rewritten { node, inputs in
      guard node.primitive is MatMul, node.outputs[0].dtype == .float32 else { return nil }
      let (y, depth) = (node.outputs[0].shape, inputs[0].shape[-1])
      guard y[-2] >= 12, y[-1] >= 32, depth >= 16 else { return nil }
      return node.replaced(by: MatMul(precision: .bfloat16), inputs)
    }
  }
}
