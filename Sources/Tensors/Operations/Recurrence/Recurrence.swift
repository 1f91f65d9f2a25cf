import CKernels

/// A recurrent layer over whole sequences, without a loop in the graph: the plan is the same for any number of steps.
///
/// Inputs, with `n` gates: the sums `[batch, time, n · units]` that the layer's inputs contribute, for all steps; the recurrent weights
/// `[units, n · units]`; the first state `[batch, units]`; of an LSTM its first memory, of gated recurrent units the bias `[units]` of the
/// candidate's product; then, if there, a bool mask `[batch, time]` of the steps that count (others keep the states), and factors `[batch, units]` of the
/// states before they are multiplied by the weights, those of recurrent dropout.
///
/// Outputs: the states `[batch, time, units]` and the last one; for the gradient the gates, in the memory of the sums; of an LSTM the memories
/// and the last one, of gated recurrent units the candidates' products with their bias.
///
/// Each thread takes some sequences through all steps. The numbers do not depend on how many threads there are.
///
/// - SeeAlso: Appleyard, Kočiský, Blunsom, *Optimizing Performance of Recurrent Neural Networks on GPUs* (2016), §3.
package struct Recurrence: Primitive {
  /// The step.
  package let cell: RecurrenceCell
  /// Whether there is a mask.
  package let hasMask: Bool
  /// Whether there are factors of the states.
  package let hasDrop: Bool

  package init(cell: RecurrenceCell, hasMask: Bool, hasDrop: Bool) {
    self.cell = cell
    self.hasMask = hasMask
    self.hasDrop = hasDrop
  }

  package var inPlace: [InPlacePair] { [InPlacePair(output: 2, input: 0)] }

  /// Where the mask and the factors are among the inputs.
  private var rest: Int { cell.kind == .simple ? 3 : 4 }

  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: rest + (hasMask ? 1 : 0) + (hasDrop ? 1 : 0))
    let sums = inputs[0]
    try expectFloating(sums)
    guard sums.shape.rank == 3, sums.shape[2] % cell.gates == 0, sums.shape[1] > 0 else {
      throw .shape(
        operation: name,
        message: """
          sums \(sums.shape) must be [batch, time, \(cell.gates) · units] with one step at least
          """)
    }
    let (batch, time, units) = (sums.shape[0], sums.shape[1], sums.shape[2] / cell.gates)
    func spec(_ shape: Shape) -> TensorSpec { TensorSpec(shape, sums.dtype) }
    let (all, one) = (spec([batch, time, units]), spec([batch, units]))
    try expectEqual(spec([units, sums.shape[2]]), inputs[1])
    try expectEqual(one, inputs[2])
    if cell.kind != .simple { try expectEqual(cell.kind == .lstm ? one : spec([units]), inputs[3]) }
    if hasMask { try expectEqual(TensorSpec([batch, time], .bool), inputs[rest]) }
    if hasDrop { try expectEqual(one, inputs[inputs.count - 1]) }
    switch cell.kind {
    case .simple: return [all, one, sums]
    case .gru: return [all, one, sums, all]
    case .lstm: return [all, one, sums, all, one]
    }
  }

  package func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel
  {
    var problem = cell.problem(inputs[0])
    problem.sums = UnsafeRawPointer(inputs[0].pointer)
    problem.weights = UnsafeRawPointer(inputs[1].pointer)
    problem.h0 = UnsafeRawPointer(inputs[2].pointer)
    if cell.kind == .lstm { problem.c0 = UnsafeRawPointer(inputs[3].pointer) }
    if cell.kind == .gru { problem.bias = UnsafeRawPointer(inputs[3].pointer) }
    if hasMask { problem.mask = UnsafePointer(inputs[rest].pointer(as: UInt8.self)) }
    if hasDrop { problem.drop = UnsafeRawPointer(inputs[inputs.count - 1].pointer) }
    (problem.outputs, problem.last) = (outputs[0].pointer, outputs[1].pointer)
    problem.gates = outputs[2].pointer
    if cell.kind != .simple { problem.memory = outputs[3].pointer }
    if cell.kind == .lstm { problem.last_memory = outputs[4].pointer }
    return problem.kernel(workspace) { apus_recurrence_run($0, $1, $2, $3) }
  }

  /// See ``RecurrenceGradient``. The gradient of the weights is one product over all steps.
  ///
  /// What only a gradient of a gradient asks for (that for what is kept, and for the factors) goes through the loop of ordinary
  /// operations.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let kept = [2] + (cell.kind == .simple ? [] : [3])
    let isComposed = kept.contains { c.incoming[$0] != nil }
    if isComposed || hasDrop && c.needsGradient(c.inputs.count - 1) {
      return c.gradients(through: composed)
    }
    let (weights, initial) = (c.inputs[1], c.inputs[2])
    let arriving = [0, 1] + (cell.kind == .lstm ? [4] : [])
    let rule = RecurrenceGradient(
      cell: cell, hasMask: hasMask, hasDrop: hasDrop,
      arrives: arriving.map { c.incoming[$0] != nil })
    let memories =
      switch cell.kind {
      case .simple: [Tensor]()
      case .gru: [c.outputs[3]]
      case .lstm: [c.outputs[3], c.inputs[3]]
      }
    let found = apply(
      rule,
      [weights, c.outputs[2], c.outputs[0], initial] + memories + c.inputs[rest...]
        + arriving.compactMap { c.incoming[$0] })
    var gradients = [Tensor?](repeating: nil, count: c.inputs.count)
    gradients[0] = found[0]
    gradients[2] = found[1]
    if cell.kind == .lstm { gradients[3] = found[2] }
    if cell.kind == .gru, c.needsGradient(3) { gradients[3] = sum(found[2], axes: [0, 1]) }
    if c.needsGradient(1) {
      var before = statesBefore(c.outputs[0], initial, isReversed: cell.isReversed)
      if hasDrop, let drop = c.inputs.last { before = before * expandDims(drop, axis: 1) }
      // Not -1: there may be no units.
      let count = before.shape[0] * before.shape[1]
      let rows = transpose(before.reshape([count, weights.shape[0]]))
      let slopes = found[0].reshape([count, weights.shape[1]])
      if cell.kind == .gru {
        let units = weights.shape[0]
        let gates = matmul(rows, slice(slopes, axis: 1, to: 2 * units))
        let candidate = matmul(rows, found[2].reshape([count, units]))
        gradients[1] = concatenate([gates, candidate], axis: 1)
      } else {
        gradients[1] = matmul(rows, slopes)
      }
    }
    return gradients
  }

  /// All outputs, from operations that have gradients themselves, step by step.
  private func composed(_ inputs: [Tensor]) -> [Tensor] {
    let (sums, weights) = (inputs[0], inputs[1])
    let (time, units) = (sums.shape[1], weights.shape[0])
    func part(_ x: Tensor, _ first: Int, _ last: Int) -> Tensor {
      slice(x, axis: 1, from: first * units, to: last * units)
    }
    var (h, c) = (inputs[2], inputs[Swift.min(3, rest - 1)])
    var steps: [[Tensor]] = []
    for step in 0..<time {
      let t = cell.isReversed ? time - 1 - step : step
      let s = slice(sums, axis: 1, from: t, to: t + 1).reshape([sums.shape[0], sums.shape[2]])
      let product = matmul(hasDrop ? h * inputs[inputs.count - 1] : h, weights)
      var (next, memory, gates) = (h, c, s)
      switch cell.kind {
      case .simple:
        gates = cell.activation(s + product)
        next = gates
      case .gru:
        let first = cell.gate(part(s, 0, 2) + part(product, 0, 2))
        memory = part(product, 2, 3) + inputs[3]
        let candidate = cell.activation(part(s, 2, 3) + part(first, 1, 2) * memory)
        gates = concatenate([first, candidate], axis: 1)
        next = candidate + part(first, 0, 1) * (h - candidate)
      case .lstm:
        let whole = s + product
        let first = cell.gate(part(whole, 0, 2))
        let (taken, shown) = (cell.activation(part(whole, 2, 3)), cell.gate(part(whole, 3, 4)))
        gates = concatenate([first, taken, shown], axis: 1)
        memory = part(first, 1, 2) * c + part(first, 0, 1) * taken
        next = shown * cell.activation(memory)
      }
      if hasMask {
        let counts = slice(inputs[rest], axis: 1, from: t, to: t + 1)
        next = select(counts, next, h)
        if cell.kind == .lstm { memory = select(counts, memory, c) }
      }
      h = next
      if cell.kind == .lstm { c = memory }
      steps.append([h, gates, memory])
    }
    if cell.isReversed { steps.reverse() }
    func all(_ index: Int) -> Tensor { stack(steps.map { $0[index] }, axis: 1) }
    switch cell.kind {
    case .simple: return [all(0), h, all(1)]
    case .gru: return [all(0), h, all(1), all(2)]
    case .lstm: return [all(0), h, all(1), all(2), c]
    }
  }

  /// The examples are more sequences of the batch, unless weights differ.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    mergedSequences(self, inputs, mapped: mapped, shared: cell.kind == .gru ? [1, 3] : [1], count)
  }
}

extension Primitive {
  /// Puts examples into the axis of sequences; nil when an input that all sequences share differs between them.
  func mergedSequences(
    _ wide: some Primitive, _ inputs: [Tensor], mapped: [Bool], shared: [Int], _ count: Int
  ) -> [Tensor]? {
    if shared.contains(where: { mapped[$0] }) { return nil }
    let joined = inputs.indices.map { index in
      if shared.contains(index) { return inputs[index] }
      let all = inputs[index].examples(count, isMapped: mapped[index])
      return all.reshape(Shape([count * all.shape[1]] + all.shape.dropFirst(2)))
    }
    return apply(wide, joined).map { output in
      guard !output.isInvalid else { return output }
      return output.reshape(Shape([count, output.shape[0] / count] + output.shape.dropFirst()))
    }
  }
}

extension GradientContext {
  /// The gradients when `composed` gives the outputs once more, from the inputs and by operations that have gradients themselves.
  func gradients(through composed: ([Tensor]) -> [Tensor]) -> [Tensor?] {
    let numbers = inputs.indices.filter { inputs[$0].dtype.isFloating }
    let leaves = numbers.map { Node(leaf: inputs[$0]) }
    var inner = inputs
    for (number, leaf) in zip(numbers, leaves) { inner[number] = leaf.output(0) }
    let found = gradients(through: composed(inner), to: leaves, of: numbers)
    var gradients = [Tensor?](repeating: nil, count: inputs.count)
    for (number, gradient) in zip(numbers, found) { gradients[number] = gradient }
    return gradients
  }
}

/// What each step begins with, `[batch, time, units]`, from the states after each and the first one.
func statesBefore(_ states: Tensor, _ first: Tensor, isReversed: Bool) -> Tensor {
  let first = expandDims(first, axis: 1)
  let last = states.shape[1] - 1
  return isReversed
    ? concatenate([slice(states, axis: 1, from: 1), first], axis: 1)
    : concatenate([first, slice(states, axis: 1, to: last)], axis: 1)
}

/// A recurrent layer over whole sequences: see ``Recurrence``, whose inputs these are.
///
/// - Parameters:
///   - cell: the step.
///   - sums: `[batch, time, gates · units]`.
///   - weights: `[units, gates · units]`.
///   - states: before the first step, each `[batch, units]`: the output, and of an LSTM the memory.
///   - bias: `[units]`, of gated recurrent units.
///   - mask: `[batch, time]`; where false (or 0) a step is skipped.
///   - drop: `[batch, units]`, factors of the states before they are multiplied by the weights.
/// - Returns: the outputs of all steps `[batch, time, units]`, in the order of time, and the states after the last one.
package func recurrence(
  _ cell: RecurrenceCell, sums: Tensor, weights: Tensor, states: [Tensor], bias: Tensor? = nil,
  mask: Tensor? = nil, drop: Tensor? = nil
) -> (outputs: Tensor, states: [Tensor]) {
  let primitive = Recurrence(cell: cell, hasMask: mask != nil, hasDrop: drop != nil)
  let optional = [bias, mask?.cast(to: .bool), drop].compactMap { $0 }
  let outputs = apply(primitive, [sums, weights] + states + optional)
  return (outputs[0], [outputs[1]] + (cell.kind == .lstm ? [outputs[4]] : []))
}
