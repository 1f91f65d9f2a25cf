import Tensors

/// The share of a rank that has no samples of a batch. It goes through the step as the others do, which wait for it, but what
/// it computes of nothing (a mean of nothing is NaN) must reach no weight, no state and no metric.
struct EmptyShare {
  /// The batch, without rows, as something that results can be traced back to.
  let batch: Batch
  private let sources: Set<Int>

  /// Nil for a share with samples, and for one process.
  init?(_ batch: Batch, ranks: Int) {
    guard batch.rows == 0, ranks > 1 else { return nil }
    var sources: Set<Int> = []
    func marked(_ tensor: Tensor) -> Tensor {
      let source = Node(leaf: tensor)
      sources.insert(source.id)
      return source.output(0)
    }
    self.batch = Batch(
      x: batch.x.map(marked), y: batch.y.map(marked), sampleWeight: batch.sampleWeight.map(marked),
      classWeight: batch.classWeight)
    self.sources = sources
  }

  /// What a value was computed from, as far back as the last time that ranks met: what they have made together is that of all.
  private func origin(of value: Tensor) -> (isShare: Bool, isMeeting: Bool) {
    var (isShare, isMeeting) = (false, false)
    var seen: Set<Place> = []
    var pending = [value]
    while let tensor = pending.popLast() {
      guard let node = tensor.node, seen.insert(Place(tensor, of: node)).inserted else { continue }
      if sources.contains(node.id) {
        isShare = true
      } else if node.primitive is any CollectivePrimitive {
        isMeeting = true
      } else {
        pending.append(contentsOf: inputs(of: node, output: tensor.outputIndex))
      }
    }
    return (isShare, isMeeting)
  }

  private struct Place: Hashable {
    let node: Int
    let output: Int

    init(_ tensor: Tensor, of node: Node) {
      (self.node, output) = (node.id, tensor.outputIndex)
    }
  }

  /// What an output was computed from.
  private func inputs(of node: Node, output: Int) -> [Tensor] {
    guard node.primitive is any GradientMarker else { return node.inputs }
    // It is one of the last inputs; the others are for gradients, and tell more where that one has kept no record.
    let result = node.inputs[node.inputs.count - node.outputs.count + output]
    return result.node == nil ? node.inputs : [result]
  }

  /// Runs the module; variables that it changes from this share keep the values that they had.
  func keepingStates<R>(_ body: () throws -> R) rethrows -> R {
    let buffer = WriteBuffer()
    let result = try buffer(body)
    for (variable, value) in buffer.written where !origin(of: value).isShare {
      variable.value = value
    }
    return result
  }

  /// The gradients of what depends on weights alone, their penalties; zeros without any.
  ///
  /// Those of the whole loss are computed as well, as on the other ranks, since ranks may meet on the way.
  func gradients(
    of terms: [Tensor], total: Tensor, _ leaves: [Node], _ values: [Tensor]
  ) throws -> [Tensor] {
    let own = terms.filter { term in
      let origin = origin(of: term)
      return !origin.isShare && !origin.isMeeting
    }
    let counted: [Tensor] =
      if let first = own.first {
        try gradientsOfScalar(own.dropFirst().reduce(first) { $0 + $1 }, leaves, values)
      } else {
        values.map { .zeros($0.shape, dtype: $0.dtype) }
      }
    let all = try gradientsOfScalar(total, leaves, values)
    return zip(all, counted).map { apply1(StandIn(), $0, $1) }
  }
}
