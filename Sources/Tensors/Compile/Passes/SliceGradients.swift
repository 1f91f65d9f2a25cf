/// Makes one concatenation of the sum that is the gradient of a tensor taken apart in slices.
///
/// Each slice's gradient is a tensor of zeros with one part filled (``ScatterSlice``). When the parts lie side by side
/// along one axis and cover it, their sum is the parts one after the other. And when the parts are themselves slices
/// of one tensor, in their old places, the sum is that tensor: nothing is left to do.
///
/// ```
/// %0 = scatterSlice(in0) : float32 [8]
/// %1 = scatterSlice(in1) : float32 [8]
/// %2 = add(%0, %1) : float32 [8]              %0 = concatenate(in0, in1) : float32 [8]
/// return %2                                   return %0
/// ```
package struct SliceGradients: Pass {
  package let name = "slice gradients"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    graph.rewritten { node, inputs in
      guard node.primitive is AddOperation, let parts = Self.parts(of: inputs) else { return nil }
      if let whole = Self.common(parts) { return [whole] }
      return apply(ConcatenateOperation(axis: parts.axis), parts.sources)
    }
  }

  /// What covers an axis: `places` say where the slices stand, ascending.
  private struct Parts {
    let axis: Int
    let places: [ScatterSlice]
    let sources: [Tensor]
  }

  /// The parts of a sum of slices' gradients; nil when there are other terms, gaps or overlaps.
  private static func parts(of inputs: [Tensor]) -> Parts? {
    var pending = inputs
    var found: [(place: ScatterSlice, source: Tensor)] = []
    while let term = pending.popLast() {
      guard let node = term.tracedNode else { return nil }
      if node.primitive is AddOperation {
        pending += node.inputs
      } else if let place = node.primitive as? ScatterSlice {
        found.append((place, node.inputs[0]))
      } else {
        return nil
      }
    }
    guard let first = found.first, found.allSatisfy({ $0.source.dtype == first.source.dtype }),
      let axis = first.place.lengths.indices.first(where: {
        first.place.lengths[$0] != first.place.shape.dimensions[$0]
      })
    else { return nil }
    found.sort { $0.place.starts[axis] < $1.place.starts[axis] }
    var end = 0
    for (place, _) in found {
      for other in place.lengths.indices {
        guard place.steps[other] == 1 else { return nil }
        let start = other == axis ? end : 0
        let length = other == axis ? place.lengths[other] : place.shape.dimensions[other]
        guard place.starts[other] == start, place.lengths[other] == length else { return nil }
      }
      end += place.lengths[axis]
    }
    guard end == first.place.shape.dimensions[axis] else { return nil }
    return Parts(axis: axis, places: found.map(\.place), sources: found.map(\.source))
  }

  /// The tensor that all sources are slices of, each from the place where it goes.
  private static func common(_ parts: Parts) -> Tensor? {
    let wholes = zip(parts.places, parts.sources).map { place, source -> Tensor? in
      // Reshaped and back is the same elements in the same order.
      var origin = source
      while let node = origin.node, node.primitive is ReshapeOperation { origin = node.inputs[0] }
      guard origin.shape == source.shape, let node = origin.node,
        let slice = node.primitive as? Slice, slice.starts == place.starts,
        slice.lengths == place.lengths, slice.steps == place.steps,
        node.inputs[0].shape == place.shape
      else { return nil }
      return node.inputs[0]
    }
    guard case .some(let whole?) = wholes.first, whole.isTraced,
      wholes.allSatisfy({ $0?.node === whole.node && $0?.outputIndex == whole.outputIndex })
    else { return nil }
    return whole
  }
}
