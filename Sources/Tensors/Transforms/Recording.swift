/// What a function of tensors does, recorded once without values, to be done again in another way: for many examples at
/// once (``vmap(_:inAxes:outAxes:)``), or a second time in the backward pass (``checkpoint(_:)``).
///
/// Variables that it reads are inputs of the recording. What it writes, and what hooks log, is kept aside until
/// ``deliver(updates:logged:)``.
struct Recording {
  private let graph: Graph
  /// What is to be done again.
  let replay: Replay
  /// How many outputs the function has; what hooks logged follows them.
  let outputCount: Int
  private let log: HookLog

  /// Records `body` on tensors like these.
  init(_ specs: [TensorSpec], _ body: ([Tensor]) throws -> [Tensor]) throws {
    let log = HookLog()
    var outputCount = 0
    // Everything that the recording makes has a higher number.
    let start = Node(primitive: Leaf(), inputs: [], outputs: [], values: [])
    graph = try Trace.record(specs) { inputs in
      let outputs = try body(inputs)
      outputCount = outputs.count
      return outputs + log.take()
    }
    self.log = log
    self.outputCount = outputCount
    let updates = graph.updates.map(\.value)
    replay = Replay(
      placeholders: graph.inputs + graph.variables.map(\.placeholder),
      nodes: reachable(from: graph.outputs + updates + graph.kept, notBefore: start.id)
        .filter { !($0.primitive is Placeholder) && $0.output(0).isTraced },
      outputs: Array(graph.outputs.prefix(outputCount)),
      logged: Array(graph.outputs.dropFirst(outputCount)), updates: updates)
    // Whoever records around this depends on the same facts.
    if let outer = Trace.active { graph.guards.forEach(outer.addGuard) }
  }

  /// The variables that the function reads.
  var variables: [Variable] { graph.variables.map(\.variable) }

  /// The variables that it writes.
  var written: [Variable] { graph.updates.map(\.variable) }

  /// Tensors from outside that a gradient may want, or that have no value yet; each once.
  var captured: [Tensor] {
    let nodes = replay.nodes
    var seen = Set(replay.placeholders.compactMap(ResultKey.init))
    seen.formUnion(nodes.flatMap { node in node.outputs.indices.map { ResultKey(node, $0) } })
    let used = nodes.flatMap(\.inputs) + graph.outputs + replay.updates
    return used.filter { tensor in
      guard let key = ResultKey(tensor) else { return false }
      return seen.insert(key).inserted
    }
  }

  /// The function as one of all that it depends on: its inputs, the values of ``variables``, and ``captured``.
  var closed: @Sendable ([Tensor]) -> (outputs: [Tensor], logged: [Tensor], updates: [Tensor]) {
    let (replay, own) = (replay, replay.placeholders.count)
    let places = Dictionary(
      uniqueKeysWithValues: captured.enumerated().compactMap { offset, tensor in
        ResultKey(tensor).map { ($0, own + offset) }
      })
    return { sources in
      replay(Array(sources[..<own])) { tensor in
        ResultKey(tensor).flatMap { places[$0] }.map { sources[$0] } ?? tensor
      } run: { node, inputs in
        apply(node.primitive, inputs)
      }
    }
  }

  /// Gives variables their new values, and hooks' logs what was logged.
  func deliver(updates: [Tensor], logged: [Tensor]) {
    for (variable, value) in zip(written, updates) { variable.value = value }
    log.give(logged)
  }

  /// What is to be done with each entry of the log when there are many examples: a loss or metric of a batch is a mean.
  var isAveraged: [Bool] { log.isAveraged }
}

/// The operations of a ``Recording`` with their places, and nothing that changes: variables and hooks stay behind, so that
/// another thread can do them again.
struct Replay: Sendable {
  /// What stands for the function's inputs, and then for the values of the variables that it reads.
  let placeholders: [Tensor]
  /// In the order in which they were recorded.
  let nodes: [Node]
  let outputs: [Tensor]
  let logged: [Tensor]
  let updates: [Tensor]

  /// Does everything again.
  ///
  /// - Parameters:
  ///   - inputs: values for ``placeholders``.
  ///   - constant: makes a value of a tensor from outside.
  ///   - run: does one operation.
  /// - Returns: the function's outputs, what hooks logged, and the new values of ``Recording/written``.
  func callAsFunction<Value>(
    _ inputs: [Value], constant: (Tensor) -> Value, run: (Node, [Value]) -> [Value]
  ) -> (outputs: [Value], logged: [Value], updates: [Value]) {
    var known: [Int: [Value]] = [:]
    for (placeholder, value) in zip(placeholders, inputs) {
      if let node = placeholder.node { known[node.id] = [value] }
    }
    func value(_ tensor: Tensor) -> Value {
      guard let node = tensor.tracedNode, let values = known[node.id] else {
        return constant(tensor)
      }
      return values[tensor.outputIndex]
    }
    for node in nodes { known[node.id] = run(node, node.inputs.map(value)) }
    return (outputs.map(value), logged.map(value), updates.map(value))
  }
}

/// An output of an operation.
struct ResultKey: Hashable {
  private let node: Int
  private let output: Int

  init(_ node: Node, _ output: Int) {
    self.node = node.id
    self.output = output
  }

  /// Nil for a tensor that no operation made.
  init?(_ tensor: Tensor) {
    guard let node = tensor.node else { return nil }
    self.init(node, tensor.outputIndex)
  }
}

/// What hooks note while a function is recorded, held back until the values are there.
private final class HookLog {
  private typealias Place = WritableKeyPath<HookNotes, [(name: String, value: Tensor)]>
  private let places: [Place] = [\.losses, \.metrics, \.summaries]

  private let keeper = CurrentNotes.keeper
  private let before: [Int]
  private let maskBefore: Tensor?
  private var entries: [(isAveraged: Bool, give: (inout HookNotes, Tensor) -> Void)] = []

  init() {
    let notes = keeper?.notes
    before = places.map { notes?[keyPath: $0].count ?? 0 }
    maskBefore = notes?.outputMask
  }

  /// Takes what has been noted since the beginning out of the notes and gives the values.
  func take() -> [Tensor] {
    guard let keeper else { return [] }
    var values: [Tensor] = []
    for (place, count) in zip(places, before) {
      for (name, value) in keeper.notes[keyPath: place][count...] {
        entries.append((place != \.summaries, { $0[keyPath: place].append((name, $1)) }))
        values.append(value)
      }
      keeper.notes[keyPath: place].removeSubrange(count...)
    }
    if let mask = keeper.notes.outputMask, !(maskBefore.map(mask.isSame) ?? false) {
      entries.append((false, { $0.outputMask = $1 }))
      values.append(mask)
    }
    return values
  }

  /// Notes everything again, with other values.
  func give(_ values: [Tensor]) {
    guard let keeper else { return }
    for (entry, value) in zip(entries, values) { entry.give(&keeper.notes, value) }
  }

  var isAveraged: [Bool] { entries.map(\.isAveraged) }
}
