/// Makes one operation of a product and the elementwise operations after it that nothing else separates: a bias, an
/// activation, the other branch of a residual block, the mask of a gradient.
///
/// ```
/// %0 = matMul(in0, in1) : float32 [128, 512]
/// %1 = fused(add reLU)(%0, in2) : float32 [128, 512]      %0 = fused(matMul add reLU)(in0, in1, in2) : float32 [128, 512]
/// return %1                                               return %0
/// ```
///
/// What is added to the product is put in its place beforehand (see ``HostWithEpilogue``), so such a sum is rounded in
/// another order. Of several products that are added the last one takes the others.
package struct ProductEpilogue: Pass {
  package let name = "product epilogue"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    let uses = GraphUses(graph)
    return graph.rewritten { node, inputs in
      guard let program = ElementwiseProgram.whole(node),
        let position = hostPosition(node, uses),
        let host = producer(inputs[position]), let primitive = host.primitive as? any EpilogueHost
      else { return nil }
      let (before, after) = program.split(at: position)
      var all = host.inputs
      // A factor that is an operand as well is listed twice: the two are looked at in different ways.
      var operands: [Tensor] = []
      let numbers = inputs.indices.map { index in
        index == position ? -1 : all.count + operands.position(of: inputs[index])
      }
      all += operands
      let read = after.map { $0.inputs.map { numbers[$0] } } ?? []
      let overwritable = (before?.inputs ?? []).map { numbers[$0] }.filter { number in
        all[number].shape == node.outputs[0].shape && all[number].dtype == node.outputs[0].dtype
          && !read.contains(number)
          && all.indices.allSatisfy {
            $0 == number || !all[$0].viewedWhole.isSame(as: all[number].viewedWhole)
          }
      }
      // The number of the product's result is -1 + 1 in `after`.
      let fused = HostWithEpilogue(
        host: primitive, hostInputs: host.inputs.count, hostShape: host.outputs[0].shape,
        shape: node.outputs[0].shape, names: program.names,
        before: before?.renumbered { numbers[$0] }, after: after?.renumbered { numbers[$0] + 1 },
        overwritable: Set(overwritable).sorted())
      return node.replaced(by: fused, all)
    }
  }

  /// Which input of an elementwise operation is a product that it can be merged with; the one made last.
  private func hostPosition(_ node: Node, _ uses: GraphUses) -> Int? {
    let value = node.outputs[0]
    guard value.dtype.isFloating, value.shape.rank >= 1, value.shape[-1] >= 2 else { return nil }
    var found: (position: Int, id: Int)?
    for (position, input) in node.inputs.enumerated() {
      guard let host = producer(input, uses), host.id > found?.id ?? -1,
        let primitive = host.primitive as? any EpilogueHost,
        host.outputs[0].dtype == value.dtype, host.outputs[0].shape[-1] == value.shape[-1],
        host.outputs[0].shape.elementCount == value.shape.elementCount,
        primitive.canHost(host.inputs.map(\.spec), host.outputs[0]),
        node.inputs.filter(input.isSame).count == 1
      else { continue }
      found = (position, host.id)
    }
    return found?.position
  }

  /// The operation that computes a tensor, changes of shape left aside; nil if one of the results on the way has other
  /// readers.
  private func producer(_ tensor: Tensor, _ uses: GraphUses? = nil) -> Node? {
    var node = tensor.tracedNode
    while let current = node {
      if let uses, !uses.hasOneReader(current) { return nil }
      guard current.primitive is ReshapeOperation else { return current }
      node = current.inputs[0].tracedNode
    }
    return nil
  }
}
