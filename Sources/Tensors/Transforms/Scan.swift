/// A loop over the slices of `inputs` in which a state goes from step to step (`jax.lax.scan`).
///
/// ```swift
/// let (last, sums) = try scan(over: x, initial: Tensor(0.0)) { (sum: Tensor, x: Tensor) in
///   (state: sum + x, result: sum + x)     // a cumulative sum
/// }
/// ```
///
/// `body` runs once, on tensors without values; what it did is compiled and repeated, so that compiling takes as long for a
/// thousand steps as for two. The gradient is a loop too, from the last step to the first, and goes to `inputs`, `initial` and
/// what `body` takes from outside. Variables that `body` writes, keys of random numbers among them, have at each step the
/// values that the one before gave them.
///
/// What a loop cannot hold is done step by step, with `body` called for each: one that asks for values of its tensors, where
/// they have some, that logs losses or metrics, or in which ranks meet.
///
/// - Parameters:
///   - inputs: any Codable structure of tensors that all have the steps along `axis`, one step at least.
///   - initial: the state before the first step, any Codable structure of tensors.
///   - axis: where the steps lie, in inputs and results.
///   - reverse: whether the last slice comes first. Results lie where the slices lie that they were made from.
///   - body: from the state and a step's slices, without `axis`, to the next state, of the same form, shapes and types, and
///     the step's result. It must do the same at each step.
/// - Returns: the last state, and the results of all steps stacked along `axis`.
/// - Throws: the first error of an operation, what `body` throws, ``EngineError/shape(operation:message:)`` where inputs disagree
///   on the number of steps or the state changes its shape or type, and ``EngineError/structure(message:)`` where it changes
///   its form.
public func scan<State: Codable, Slice: Codable, Result: Codable>(
  over inputs: Slice, initial: State, axis: Int = 0, reverse: Bool = false,
  _ body: (State, Slice) throws -> (state: State, result: Result)
) throws -> (state: State, results: Result) {
  let encoder = StructureEncoder()
  let (slices, first) = (try encoder.encode(inputs), try encoder.encode(initial))
  let tensors = slices.tensors
  var count: Int?
  for (path, tensor) in slices.leaves {
    let length = tensor.shape[try tensor.shape.axis(axis, "scan")]
    guard length == count ?? length else {
      throw EngineError.shape(
        operation: "scan",
        message:
          "input \(path.pathDescription) \(tensor.shape) has \(length) steps along axis \(axis), an "
          + "earlier one has \(count ?? 0)")
    }
    count = length
  }
  guard count ?? 0 > 0 else {
    throw EngineError.shape(
      operation: "scan",
      message: "there must be an input with one step at least along axis \(axis), got "
        + "\(tensors.map(\.shape))")
  }
  var form = Structure.none
  let (states, results) = try withErrors {
    try scan(over: tensors, axis: axis, initial: first.tensors, isReversed: reverse) {
      states, parts in
      let decoder = StructureDecoder()
      let (next, result) = try body(
        decoder.decode(State.self, from: first.replacingTensors(with: states)),
        decoder.decode(Slice.self, from: slices.replacingTensors(with: parts)))
      let state = try encoder.encode(next)
      try expectSame(state, as: first)
      form = try encoder.encode(result)
      return (state.tensors, form.tensors)
    }
  }
  let decoder = StructureDecoder()
  return (
    try decoder.decode(State.self, from: first.replacingTensors(with: states)),
    try decoder.decode(Result.self, from: form.replacingTensors(with: results))
  )
}

/// Throws when a step changes the state's form, shapes or types.
private func expectSame(_ state: Structure, as first: Structure) throws {
  if let difference = state.firstDifference(from: first) {
    throw EngineError.structure(message: "scan: the next state has another form: \(difference)")
  }
  for (next, before) in zip(state.leaves, first.leaves) where !next.tensor.isInvalid {
    guard next.tensor.spec == before.tensor.spec else {
      throw EngineError.shape(
        operation: "scan",
        message:
          "the next state\(next.path.isEmpty ? "" : " " + next.path.pathDescription) is "
          + "\(next.tensor.spec), the one before is \(before.tensor.spec): a step must keep shapes "
          + "and types")
    }
  }
}

/// `scan` from tensors to tensors.
///
/// - Parameters:
///   - inputs: one at least, with as many steps along `axis`.
///   - axis: where the steps lie, in inputs and results.
///   - initial: the states before the first step.
///   - isReversed: whether the last slices come first.
///   - isUnrolled: whether `body` is called for each step instead.
///   - body: one step, from states and slices.
/// - Returns: the last states, and the results of all steps.
/// - Throws: the first error of an operation, and what `body` throws.
package func scan(
  over inputs: [Tensor], axis: Int, initial: [Tensor], isReversed: Bool, isUnrolled: Bool = false,
  _ body: (_ states: [Tensor], _ slices: [Tensor]) throws -> (states: [Tensor], results: [Tensor])
) throws -> (states: [Tensor], results: [Tensor]) {
  if !isUnrolled,
    let recorded = RecordedLoop(over: inputs, axis: axis, initial: initial, body)
  {
    return try recorded.run(over: inputs, axis: axis, initial: initial, isReversed: isReversed)
  }
  let axis = try inputs[0].shape.axis(axis, "scan")
  let count = inputs[0].shape[axis]
  var states = initial
  var steps: [[Tensor]] = []
  for step in 0..<count {
    let place = isReversed ? count - 1 - step : step
    let slices = inputs.map { slice(of: $0, place, along: axis) }
    let (next, results) = try body(states, slices)
    states = next
    steps.append(results)
  }
  if isReversed { steps.reverse() }
  return (states, steps[0].indices.map { index in stack(steps.map { $0[index] }, axis: axis) })
}

private func slice(of tensor: Tensor, _ place: Int, along axis: Int) -> Tensor {
  var dimensions = tensor.shape.dimensions
  dimensions.remove(at: axis)
  return slice(tensor, axis: axis, from: place, to: place + 1).reshape(Shape(dimensions))
}

/// A step that was recorded and can be repeated.
private struct RecordedLoop {
  private let recording: Recording
  private let step: LoopBody
  /// The variables that are the same at all steps.
  private let read: [Variable]
  /// How many random keys a step draws.
  private let keyCount: Int
  /// Whether it takes the place of its keys among those of all steps.
  private let drawsKeys: Bool
  /// The tensors from outside that are the same at all steps.
  private let captured: [Tensor]

  /// Nil where a loop cannot hold what `body` does, or where it fails without values. Then nothing has been noted.
  init?(
    over inputs: [Tensor], axis: Int, initial: [Tensor],
    _ body: ([Tensor], [Tensor]) throws -> (states: [Tensor], results: [Tensor])
  ) {
    let keeper = CurrentNotes.keeper
    let notes = keeper?.notes
    var isRepeatable = false
    defer {
      keeper?.notes.keyOffset = notes?.keyOffset
      if !isRepeatable, let notes { keeper?.notes = notes }
    }
    // Keys have another number at each step.
    let keys = Placeholder.tensor(TensorSpec([], .int64), index: 0)
    var stateCount = 0
    let specs =
      initial.map(\.spec)
      + inputs.map { input in
        var dimensions = input.shape.dimensions
        if let axis = try? input.shape.axis(axis, "scan") { dimensions.remove(at: axis) }
        return TensorSpec(Shape(dimensions), input.dtype)
      }
    guard
      let recording = try? Recording(
        specs,
        { tensors in
          keeper?.notes.keyOffset = notes?.keyOffset.map { $0 + keys } ?? keys
          let (states, results) = try body(
            Array(tensors.prefix(initial.count)), Array(tensors.dropFirst(initial.count)))
          stateCount = states.count
          return states + results
        })
    else { return nil }
    let replay = recording.replay
    isRepeatable =
      replay.logged.isEmpty
      && replay.nodes.allSatisfy { $0.primitive.isPure || $0.primitive is RecomputationBarrier }
      && replay.outputs.prefix(stateCount).map(\.spec) == initial.map(\.spec)
    guard isRepeatable else { return nil }
    self.recording = recording
    keyCount = (keeper?.notes.keyCount ?? 0) - (notes?.keyCount ?? 0)

    // Variables that are written are states too.
    let written = recording.written
    let read = recording.variables.filter { variable in !written.contains { $0 === variable } }
    self.read = read
    captured = recording.captured.filter { !$0.isSame(as: keys) }
    drawsKeys = captured.count < recording.captured.count
    func places(_ specs: [TensorSpec]) -> [Tensor] {
      specs.map { Placeholder.tensor($0, index: 0) }
    }
    let given = places(specs)
    let (changing, same) = (places(written.map(\.spec)), places(read.map(\.spec)))
    let outside = places(captured.map(\.spec))
    let values = recording.variables.map { variable in
      written.firstIndex { $0 === variable }.map { changing[$0] }
        ?? same[read.firstIndex { $0 === variable } ?? 0]
    }
    var rest = outside[...]
    let sources = recording.captured.map { $0.isSame(as: keys) ? keys : rest.removeFirst() }
    let (outputs, _, updates) = recording.closed(given + values + sources)
    step = LoopBody(
      inputs: given.prefix(stateCount) + changing + given.dropFirst(stateCount)
        + (drawsKeys ? [keys] : []) + same + outside,
      outputs: outputs.prefix(stateCount) + updates + outputs.dropFirst(stateCount),
      stateCount: stateCount + written.count, sliceCount: inputs.count + (drawsKeys ? 1 : 0))
  }

  /// All steps.
  ///
  /// - Returns: the last states, and the results.
  /// - Throws: the first error of an operation.
  func run(
    over inputs: [Tensor], axis: Int, initial: [Tensor], isReversed: Bool
  ) throws -> (states: [Tensor], results: [Tensor]) {
    let sliceAxes = try inputs.map { try $0.shape.axis(axis, "scan") }
    let count = inputs[0].shape[sliceAxes[0]]
    let resultAxes = try step.results.map { result in
      try Shape([count] + result.shape.dimensions).axis(axis, "scan")
    }
    let offsets = (0..<count).map { Int64((isReversed ? count - 1 - $0 : $0) * keyCount) }
    if let keeper = CurrentNotes.keeper { keeper.notes.keyCount += (count - 1) * keyCount }
    let outputs = try ScanOperation(
      step, count: count, sliceAxes: sliceAxes + (drawsKeys ? [0] : []), resultAxes: resultAxes,
      isReversed: isReversed
    ).run(
      initial + recording.written.map(\.value) + inputs + (drawsKeys ? [Tensor(offsets)] : [])
        + read.map(\.value) + captured)
    recording.deliver(
      updates: Array(outputs[initial.count..<step.stateCount]), logged: [])
    return (Array(outputs[..<initial.count]), Array(outputs[step.stateCount...]))
  }
}
