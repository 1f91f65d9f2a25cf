/// What a loop does at each step, as a graph: from states, a step's slices and constants to the next states and the step's
/// results.
///
/// Nothing in it belongs to another trace, and nothing changes.
final class LoopBody: Sendable {
  /// What stands for the states, the slices and the constants, in this order.
  let inputs: [Tensor]
  /// The next states, and then the results.
  let outputs: [Tensor]
  /// How many states there are.
  let stateCount: Int
  /// How many slices there are.
  let sliceCount: Int
  /// How many results there are that only a gradient of the loop reads; they come last.
  let keptCount: Int

  init(
    inputs: [Tensor], outputs: [Tensor], stateCount: Int, sliceCount: Int, keptCount: Int = 0
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.stateCount = stateCount
    self.sliceCount = sliceCount
    self.keptCount = keptCount
  }

  /// The operations from ``inputs`` to ``outputs``.
  var graph: Graph { Graph(inputs: inputs, variables: [], outputs: outputs, updates: []) }

  /// The results of a step.
  var results: ArraySlice<Tensor> { outputs[stateCount...] }
  /// What a gradient of the loop reads.
  var kept: ArraySlice<Tensor> { outputs.suffix(keptCount) }
  /// The inputs that stand for slices.
  var slices: ArraySlice<Tensor> { inputs[stateCount..<(stateCount + sliceCount)] }
  /// The inputs that are the same at all steps.
  var constants: ArraySlice<Tensor> { inputs[(stateCount + sliceCount)...] }

  /// The step on other tensors.
  ///
  /// - Parameters:
  ///   - values: one for each of ``inputs``.
  ///   - note: hears of each operation with what it gave.
  /// - Returns: one for each of ``outputs``.
  func callAsFunction(
    _ values: [Tensor], note: (Node, [Tensor]) -> Void = { _, _ in }
  ) -> [Tensor] {
    let replay = Replay(
      placeholders: inputs, nodes: graph.nodes, outputs: outputs, logged: [], updates: [])
    return replay(values) {
      $0
    } run: { node, values in
      let results = apply(node.primitive, values)
      note(node, results)
      return results
    }.outputs
  }

  /// The same step with more results, for the gradient.
  func keeping(_ more: [Tensor]) -> LoopBody {
    guard !more.isEmpty else { return self }
    return LoopBody(
      inputs: inputs, outputs: outputs + more, stateCount: stateCount, sliceCount: sliceCount,
      keptCount: keptCount + more.count)
  }

  /// The same step after a pass.
  func rewritten(by pass: any Pass) -> LoopBody {
    LoopBody(
      inputs: inputs, outputs: pass.run(graph).outputs, stateCount: stateCount,
      sliceCount: sliceCount, keptCount: keptCount)
  }
}

/// The backward pass through a loop's step.
struct LoopPullback {
  /// What stands for the gradient that arrives for each output of the step; nil where none does.
  let seeds: [Tensor?]
  /// The gradient with respect to each input; nil where there is none.
  private(set) var gradients: [Tensor?]
  /// What it reads of the step itself, or of its states: the step's own tensors.
  private(set) var wanted: [Tensor] = []
  /// The same tensors as they stand in ``gradients``.
  private var found: [Tensor] = []

  /// - Parameters:
  ///   - body: the step.
  ///   - isNeeded: for which of its inputs a gradient is wanted.
  ///   - arrives: for which of its outputs one arrives.
  /// - Throws: the first error of an operation.
  init(_ body: LoopBody, isNeeded: [Bool], arrives: [Bool]) throws {
    let leaves = zip(body.inputs, isNeeded).map { $1 ? Node(leaf: $0) : nil }
    var origins: [ResultKey: Tensor] = [:]
    // What differs from step to step.
    var varying = Set(
      zip(body.inputs, leaves).prefix(body.stateCount + body.sliceCount)
        .flatMap { [$0.node, $1] }.compactMap { $0?.id })
    let seeds = zip(body.outputs, arrives).map { output, arrives in
      arrives ? Placeholder.tensor(output.spec, index: 0) : nil
    }
    var gradients = [Tensor?](repeating: nil, count: leaves.count)
    var start = 0
    try withErrors {
      let outputs = body(zip(body.inputs, leaves).map { $1?.output(0) ?? $0 }) { node, results in
        for (index, result) in results.enumerated() {
          guard let made = result.tracedNode else { continue }
          origins[ResultKey(made, result.outputIndex)] = node.output(index)
          if made.inputs.contains(where: { $0.node.map { varying.contains($0.id) } ?? false }) {
            varying.insert(made.id)
          }
        }
      }
      // Everything that the backward pass makes has a higher number.
      start = Node(primitive: Leaf(), inputs: [], outputs: [], values: []).id
      let arrived = zip(outputs, seeds).compactMap { output, seed in seed.map { (output, $0) } }
      var slopes = backward(
        from: arrived.map(\.0), seeds: arrived.map(\.1), to: leaves.compactMap(\.self))[...]
      gradients = leaves.map { $0 == nil ? nil : slopes.popFirst() ?? nil }
    }
    self.seeds = seeds
    self.gradients = gradients
    let ends = gradients.compactMap(\.self)
    let read = (reachable(from: ends, notBefore: start).flatMap(\.inputs) + ends)
      .filter { tensor in tensor.tracedNode.map { $0.id < start } ?? false }
    let states = Set(body.inputs.prefix(body.stateCount).compactMap(ResultKey.init))
    want(read, varying: varying, states: states, origins: origins)
  }

  /// Chooses what is to be kept: what differs from step to step and is no view of what is there anyway.
  private mutating func want(
    _ read: [Tensor], varying: Set<Int>, states: Set<ResultKey>, origins: [ResultKey: Tensor]
  ) {
    let known = Set(read.compactMap(ResultKey.init))
    var seen: Set<ResultKey> = []
    for tensor in read {
      // Backwards through views: those of a placeholder, of what is kept too, and of something smaller are made again.
      let whole = tensor.viewedWhole
      guard let key = ResultKey(tensor), let wholeKey = ResultKey(whole) else { continue }
      let isWhole =
        whole.node?.primitive is Placeholder || known.contains(wholeKey)
        || whole.elementCount <= tensor.elementCount
      let (kept, keptKey) = isWhole ? (whole, wholeKey) : (tensor, key)
      guard let node = kept.node, varying.contains(node.id), seen.insert(keptKey).inserted else {
        continue
      }
      if node.primitive is Placeholder {
        guard states.contains(keptKey) else { continue }
        wanted.append(kept)
      } else if let origin = origins[keptKey] {
        wanted.append(origin)
      } else {
        continue
      }
      found.append(kept)
    }
  }

  /// The gradients with other tensors in place of what is wanted.
  ///
  /// - Parameter kept: one for each of ``wanted``.
  /// - Returns: one for each input of the step; nil where there is none.
  func gradients(reading kept: [Tensor]) -> [Tensor?] {
    var replaced: [ResultKey: Tensor] = [:]
    for (tensor, other) in zip(found, kept) {
      if let key = ResultKey(tensor) { replaced[key] = other }
    }
    func current(_ tensor: Tensor) -> Tensor {
      ResultKey(tensor).flatMap { replaced[$0] } ?? tensor
    }
    for node in reachable(from: gradients.compactMap(\.self)) {
      let inputs = node.inputs.map(current)
      guard zip(inputs, node.inputs).contains(where: { !$0.isSame(as: $1) }) else { continue }
      for (index, output) in node.replaced(by: node.primitive, inputs).enumerated() {
        let key = ResultKey(node, index)
        if replaced[key] == nil { replaced[key] = output }
      }
    }
    return gradients.map { $0.map(current) }
  }
}
