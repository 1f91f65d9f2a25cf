import Synchronization

/// The backward pass through the operations that led from `leaves` to `outputs` (reverse-mode differentiation; Griewank and
/// Walther, *Evaluating Derivatives*, 2008, §3.2).
///
/// - Parameters:
///   - outputs: tensors computed from the leaves.
///   - seeds: the gradient of the result with respect to each output, of the output's shape.
///   - leaves: nodes of ``Leaf``, made before the computation.
/// - Returns: the gradient with respect to each leaf; nil for one that no output depends on.
package func backward(from outputs: [Tensor], seeds: [Tensor], to leaves: [Node]) -> [Tensor?] {
  guard let first = leaves.map(\.id).min() else { return [] }
  let nodes = reachable(from: outputs, notBefore: first)
  var dependent = Set(leaves.map(\.id))
  for node in nodes
  where node.inputs.contains(where: { $0.node.map { dependent.contains($0.id) } ?? false }) {
    dependent.insert(node.id)
  }

  var incoming: [Int: [Tensor?]] = [:]
  func accumulate(_ gradient: Tensor, into tensor: Tensor) {
    guard let node = tensor.node, dependent.contains(node.id) else { return }
    var sums = incoming[node.id] ?? [Tensor?](repeating: nil, count: node.outputs.count)
    sums[tensor.outputIndex] = sums[tensor.outputIndex].map { add($0, gradient) } ?? gradient
    incoming[node.id] = sums
  }
  for (output, seed) in zip(outputs, seeds) { accumulate(seed, into: output) }

  let leafIDs = Set(leaves.map(\.id))
  for node in nodes.reversed() where dependent.contains(node.id) && !leafIDs.contains(node.id) {
    guard let gradients = incoming.removeValue(forKey: node.id) else { continue }
    let inputs = node.inputs
    let context = GradientContext(
      inputs: inputs, outputs: node.outputs.indices.map(node.output), incoming: gradients,
      needed: inputs.map { $0.node.map { dependent.contains($0.id) } ?? false })
    let results = node.primitive.gradient(context)
    guard results.count == inputs.count else {
      fail(
        EngineError.invalidArgument(
          message: "the gradient of \(node.primitive.name) has \(results.count) entries for "
            + "\(inputs.count) inputs: it must have one for each"))
      return leaves.map { _ in .invalid }
    }
    for (input, gradient) in zip(inputs, results) {
      if let gradient { accumulate(gradient, into: input) }
    }
  }
  return leaves.map { incoming[$0.id]?[0] }
}

/// All nodes on a way to `tensors` with a number of at least `first`, in order of making.
package func reachable(from tensors: [Tensor], notBefore first: Int = 0) -> [Node] {
  var seen: Set<Int> = []
  var found: [Node] = []
  var pending = tensors.compactMap(\.node)
  while let node = pending.popLast() {
    guard node.id >= first, seen.insert(node.id).inserted else { continue }
    found.append(node)
    pending.append(contentsOf: node.inputs.lazy.compactMap(\.node))
  }
  return found.sorted { $0.id < $1.id }
}

/// How many gradients will be taken of what the current code computes.
package enum GradientDepth {
  @TaskLocal package static var current = 0

  /// Runs `body`, of which a gradient will be taken.
  package static func deeper<R>(_ body: () throws -> R) rethrows -> R {
    try $current.withValue(current + 1, operation: body)
  }
}
