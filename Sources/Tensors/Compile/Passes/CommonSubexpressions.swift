/// Computes a thing once where the graph computes it several times.
///
/// ```
/// %0 = exp(in0) : float32 [32, 48]
/// %1 = exp(in0) : float32 [32, 48]            %0 = exp(in0) : float32 [32, 48]
/// %2 = add(%0, %1) : float32 [32, 48]         %1 = add(%0, %0) : float32 [32, 48]
/// return %2                                   return %1
/// ```
package struct CommonSubexpressions: Pass {
  package let name = "common subexpressions"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    var known: [Key: [Tensor]] = [:]
    return graph.rewritten { node, inputs in
      guard node.primitive.isPure else { return nil }
      if node.primitive is any GradientMarker {
        return Array(inputs.suffix(node.outputs.count))
      }
      let key = Key(primitive: AnyHashable(node.primitive), inputs: inputs.map(InputKey.init))
      if let same = known[key] { return same }
      let outputs = node.replaced(by: node.primitive, inputs)
      known[key] = outputs
      return outputs
    }
  }

  private struct Key: Hashable {
    let primitive: AnyHashable
    let inputs: [InputKey]
  }

  /// A traced tensor is told by its node; a constant by its memory and layout, a scalar constant by its bits.
  private enum InputKey: Hashable {
    case traced(Int, output: Int)
    case constant(ObjectIdentifier, Layout)
    case scalar(UInt64, Layout, DType)

    init(_ tensor: Tensor) {
      guard let storage = tensor.storage else {
        self = .traced(tensor.node?.id ?? -1, output: tensor.outputIndex)
        return
      }
      let isOneElement = zip(tensor.shape.dimensions, tensor.strides).allSatisfy {
        $0 == 1 || $1 == 0
      }
      if isOneElement && tensor.elementCount > 0 {
        let size = tensor.dtype.size
        var bits: UInt64 = 0
        withUnsafeMutableBytes(of: &bits) {
          let first = storage.pointer + tensor.offset * size
          $0.copyMemory(from: UnsafeRawBufferPointer(start: first, count: size))
        }
        self = .scalar(
          bits, Layout(shape: tensor.shape, strides: tensor.strides), tensor.dtype)
      } else {
        self = .constant(ObjectIdentifier(storage), tensor.layout)
      }
    }
  }
}
