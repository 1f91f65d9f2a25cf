import Synchronization

/// One operation that was run or traced: the graph that gradients and plans are made from.
///
/// Numbers grow in the order of making, so a sort by `id` is a topological order.
package final class Node: Sendable {
  package let id: Int
  package let primitive: any Primitive
  package let outputs: [TensorSpec]
  /// Memory of the outputs when the operation was run; empty when it was traced.
  private let values: [Tensor]
  /// `nonisolated(unsafe)`: set when the node is made, before anybody else has it, and emptied in `deinit` only: that of this
  /// node, or that of a node behind it, which holds the last reference then (`isKnownUniquelyReferenced`). Nobody is left
  /// who could read it, and the count of references orders their reads before.
  private nonisolated(unsafe) var held: [Tensor]

  private static let counter = Atomic<Int>(0)
  package static let invalid = Node(primitive: Leaf(), inputs: [], outputs: [], values: [])

  package init(
    primitive: any Primitive, inputs: [Tensor], outputs: [TensorSpec], values: [Tensor]
  ) {
    id = Self.counter.add(1, ordering: .relaxed).newValue
    self.primitive = primitive
    self.outputs = outputs
    self.values = values
    held = inputs
  }

  package var inputs: [Tensor] { held }

  /// The output with this index as a tensor that remembers this node.
  package func output(_ index: Int) -> Tensor {
    guard !values.isEmpty else {
      return Tensor(traced: outputs[index], node: self, outputIndex: index)
    }
    let value = values[index]
    return Tensor(
      layout: value.layout, dtype: value.dtype, storage: value.storage, node: self,
      outputIndex: index)
  }

  /// Frees a long chain of nodes one after the other; left to themselves they would be freed by recursion, and the
  /// stack would overflow.
  deinit {
    var pending = held
    held = []
    while let tensor = pending.popLast() {
      guard var node = tensor.node else { continue }
      // The tensor itself holds one reference; with `node` that makes two when nobody else does.
      _ = consume tensor
      if isKnownUniquelyReferenced(&node) {
        pending.append(contentsOf: node.held)
        node.held = []
      }
    }
  }
}

/// The start of a gradient: its output is its input, and the backward pass ends here.
package struct Leaf: GradientMarker {
  package init() {}
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }
  package func view(of input: Layout) -> Layout? { input }
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel { {} }
  // Reached by an outer gradient only: for it a leaf of the inner one is the identity.
  package func gradient(_ context: GradientContext) -> [Tensor?] { [context.incoming[0]] }
}
