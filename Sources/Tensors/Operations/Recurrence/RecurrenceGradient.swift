import CKernels

/// The gradients of ``Recurrence`` for the sums of all steps and for the first states, back through time.
///
/// Inputs: the weights, the gates, the states of all steps and the first one; of an LSTM the memories and the first one, of gated recurrent units the
/// candidates' products; the mask and the factors, if there; the gradients of all states, of the last one and of the last memory, those that arrive.
/// Outputs: for the sums, in the memory of the gates, and for the first state; of an LSTM for the first memory, of gated recurrent units for the
/// candidates' products `[batch, time, units]`.
package struct RecurrenceGradient: Primitive {
  /// As in ``Recurrence``.
  package let cell: RecurrenceCell
  /// As in ``Recurrence``.
  package let hasMask: Bool
  /// As in ``Recurrence``.
  package let hasDrop: Bool
  /// Which gradients arrive: of all states, of the last one, of an LSTM's last memory.
  package let arrives: [Bool]

  package init(cell: RecurrenceCell, hasMask: Bool, hasDrop: Bool, arrives: [Bool]) {
    self.cell = cell
    self.hasMask = hasMask
    self.hasDrop = hasDrop
    self.arrives = arrives
  }

  package var inPlace: [InPlacePair] {
    [InPlacePair(output: 0, input: 1)]
      + (cell.kind == .gru ? [InPlacePair(output: 2, input: 4)] : [])
  }

  /// Where each input is.
  private var mask: Int {
    switch cell.kind {
    case .simple: 4
    case .gru: 5
    case .lstm: 6
    }
  }
  private var drop: Int { mask + (hasMask ? 1 : 0) }
  private func place(ofGradient index: Int) -> Int? {
    guard index < arrives.count, arrives[index] else { return nil }
    return drop + (hasDrop ? 1 : 0) + arrives[..<index].filter { $0 }.count
  }

  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: drop + (hasDrop ? 1 : 0) + arrives.filter { $0 }.count)
    let (weights, gates, first) = (inputs[0], inputs[1], inputs[3])
    let extra =
      switch cell.kind {
      case .simple: [TensorSpec]()
      case .gru: [TensorSpec([weights.shape[0]], weights.dtype)]
      case .lstm: [inputs[5]]
      }
    let outputs = try Recurrence(cell: cell, hasMask: hasMask, hasDrop: hasDrop).infer(
      [gates, weights, first] + extra + inputs[mask..<(drop + (hasDrop ? 1 : 0))])
    try expectEqual(outputs[0], inputs[2])
    if cell.kind != .simple { try expectEqual(outputs[3], inputs[4]) }
    for (index, output) in [0, 1, 4].enumerated() {
      if let place = place(ofGradient: index) { try expectEqual(outputs[output], inputs[place]) }
    }
    switch cell.kind {
    case .simple: return [gates, first]
    case .gru: return [gates, first, inputs[4]]
    case .lstm: return [gates, first, first]
    }
  }

  package func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel
  {
    var problem = cell.problem(inputs[1])
    problem.weights = UnsafeRawPointer(inputs[0].pointer)
    (problem.gates, problem.outputs) = (inputs[1].pointer, inputs[2].pointer)
    problem.h0 = UnsafeRawPointer(inputs[3].pointer)
    if cell.kind != .simple { problem.memory = inputs[4].pointer }
    if cell.kind == .lstm { problem.c0 = UnsafeRawPointer(inputs[5].pointer) }
    if hasMask { problem.mask = UnsafePointer(inputs[mask].pointer(as: UInt8.self)) }
    if hasDrop { problem.drop = UnsafeRawPointer(inputs[drop].pointer) }
    func gradient(_ index: Int) -> UnsafeRawPointer? {
      place(ofGradient: index).map { UnsafeRawPointer(inputs[$0].pointer) }
    }
    (problem.g, problem.g_last, problem.g_last_memory) = (gradient(0), gradient(1), gradient(2))
    (problem.sums_gradient, problem.h0_gradient) = (outputs[0].pointer, outputs[1].pointer)
    if cell.kind == .lstm { problem.c0_gradient = outputs[2].pointer }
    if cell.kind == .gru { problem.memory_gradient = outputs[2].pointer }
    return problem.kernel(workspace) { apus_recurrence_grad_run($0, $1, $2, $3) }
  }

  /// That of the same gradients composed of ordinary operations, as functions of all inputs.
  package func gradient(_ c: GradientContext) -> [Tensor?] { c.gradients(through: composed) }

  /// All outputs, from operations that have gradients themselves, step by step.
  private func composed(_ inputs: [Tensor]) -> [Tensor] {
    let (weights, gates, states) = (inputs[0], inputs[1], inputs[2])
    let (time, units) = (states.shape[1], states.shape[2])
    let before = statesBefore(states, inputs[3], isReversed: cell.isReversed)
    let memoryBefore =
      cell.kind == .lstm
      ? statesBefore(inputs[4], inputs[5], isReversed: cell.isReversed) : before
    func arrived(_ index: Int) -> Tensor? { place(ofGradient: index).map { inputs[$0] } }
    let zeros = Tensor.zeros(inputs[3].shape, dtype: weights.dtype)
    var (dh, dc) = (arrived(1) ?? zeros, arrived(2) ?? zeros)
    let (all, back) = (arrived(0), transpose(weights))
    let (a, gate) = (cell.activation, cell.gate)
    var steps: [[Tensor]] = []
    for step in (0..<time).reversed() {
      let t = cell.isReversed ? time - 1 - step : step
      func at(_ x: Tensor) -> Tensor {
        slice(x, axis: 1, from: t, to: t + 1).reshape([x.shape[0], x.shape[2]])
      }
      let whole = at(gates)
      func y(_ index: Int) -> Tensor {
        slice(whole, axis: 1, from: index * units, to: (index + 1) * units)
      }
      if let all { dh = dh + at(all) }
      var (direct, memory) = (zeros, dc)
      var slopes: Tensor
      var product: Tensor
      switch cell.kind {
      case .simple:
        slopes = dh * a.slope(at: whole)
        product = slopes
      case .gru:
        let (z, r, candidate, q) = (y(0), y(1), y(2), at(inputs[4]))
        let dz = dh * (at(before) - candidate) * gate.slope(at: z)
        let ds = dh * (1 - z) * a.slope(at: candidate)
        let dr = ds * q * gate.slope(at: r)
        memory = ds * r
        slopes = concatenate([dz, dr, ds], axis: 1)
        product = concatenate([dz, dr, memory], axis: 1)
        direct = dh * z
      case .lstm:
        let (i, f, g, o) = (y(0), y(1), y(2), y(3))
        let shown = a(at(inputs[4]))
        let slope = dc + dh * o * a.slope(at: shown)
        slopes = concatenate(
          [
            slope * g * gate.slope(at: i), slope * at(memoryBefore) * gate.slope(at: f),
            slope * i * a.slope(at: g), dh * shown * gate.slope(at: o),
          ], axis: 1)
        product = slopes
        memory = slope * f
      }
      if hasMask {
        let counts = slice(inputs[mask], axis: 1, from: t, to: t + 1)
        slopes = select(counts, slopes, 0)
        product = select(counts, product, 0)
        direct = select(counts, direct, dh)
        memory = select(counts, memory, cell.kind == .lstm ? dc : zeros)
      }
      let through = matmul(product, back)
      dh = direct + (hasDrop ? through * inputs[drop] : through)
      dc = memory
      steps.append([slopes, memory])
    }
    if !cell.isReversed { steps.reverse() }
    let slopes = stack(steps.map { $0[0] }, axis: 1)
    switch cell.kind {
    case .simple: return [slopes, dh]
    case .gru: return [slopes, dh, stack(steps.map { $0[1] }, axis: 1)]
    case .lstm: return [slopes, dh, dc]
    }
  }

  /// The examples are more sequences of the batch, unless weights differ.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    mergedSequences(self, inputs, mapped: mapped, shared: [0], count)
  }
}
