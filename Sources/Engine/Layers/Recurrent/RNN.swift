import OrderedCollections
import Tensors

/// A recurrent layer of any cell: the cell's step, from the first to the last of a sequence.
///
/// Input `[batch, time, features]`, output that of the last step, `[batch, units]`, or of all, `[batch, time, units]`.
/// What the cell computes from inputs alone is one operation for all steps. With the cells of this library and the
/// activations `tanh`, `sigmoid`, `hardSigmoid`, `relu` and `linear` the rest is one operation too, which takes some sequences on each thread
/// from the first step to the last. For other activations, for gated recurrent units that reset before the product and for cells of
/// one's own it is a loop, of which one step is compiled (see `scan`). The variables are those of `cell`, as `cell/kernel`.
///
/// ```swift
/// let y = LSTM(32, returnSequences: true)(x)
/// let (last, states) = gru.withState(x, mask: mask, initialState: [h])
/// ```
///
/// - SeeAlso: Keras, `layers.RNN`.
public class RNN<Cell: RecurrentCell>: AnyModule, Callable, TakesMask {
  /// What computes a step.
  public let cell: Cell
  /// Whether the outputs of all steps are given, and not that of the last one only.
  public let returnSequences: Bool
  /// Whether ``Callable/call(_:)`` gives the last states as well.
  public let returnState: Bool
  /// Whether steps go from the last to the first; the outputs of all steps then come in that order.
  public let goBackwards: Bool
  /// Whether a sequence begins with the states that the one before ended with, until ``resetStates()``.
  /// Each rank keeps those of its own samples: batches must divide by the number of ranks, and keep their order.
  public let stateful: Bool
  /// Whether each step is a part of the graph of its own, so that compiling takes longer with every step: for cells whose steps
  /// differ.
  public let unroll: Bool

  /// A layer that repeats `cell`; Keras's defaults.
  public init(
    cell: Cell, returnSequences: Bool = false, returnState: Bool = false,
    goBackwards: Bool = false, stateful: Bool = false, unroll: Bool = false, name: String? = nil
  ) {
    self.cell = cell
    self.returnSequences = returnSequences
    self.returnState = returnState
    self.goBackwards = goBackwards
    self.stateful = stateful
    self.unroll = unroll
    super.init(name: name)
  }

  /// The length of the last axis of the output.
  public var units: Int { cell.units }

  /// A layer with the same settings and variables of its own.
  func fresh(goBackwards: Bool) -> RNN {
    RNN(
      cell: cell.fresh(), returnSequences: returnSequences, returnState: returnState,
      goBackwards: goBackwards, stateful: stateful, unroll: unroll)
  }

  override var hookArguments: [(label: String, value: Any)] {
    cell.hookArguments + super.hookArguments
  }

  override var configuration: String {
    "(\(cell.configuration), returnSequences: \(returnSequences), returnState: \(returnState), "
      + "goBackwards: \(goBackwards), stateful: \(stateful), unroll: \(unroll))"
  }

  /// The output, with the last states if the layer returns them.
  public func call(_ input: SequenceInputs) -> SequenceOutput {
    let (output, states) = run(input)
    return SequenceOutput(output: output, states: returnState ? states : nil)
  }

  /// The output alone.
  ///
  /// - Parameters:
  ///   - x: `[batch, time, features]`.
  ///   - mask: `[batch, time]`; where false the step is skipped.
  ///   - initialState: the states before the first step; zeros, or what a stateful layer kept, by default.
  /// - Returns: `[batch, units]`, or `[batch, time, units]` where the layer returns sequences.
  public func callAsFunction(
    _ x: Tensor, mask: Tensor? = nil, initialState: [Tensor]? = nil
  ) -> Tensor {
    withState(x, mask: mask, initialState: initialState).output
  }

  /// The output, `[batch, units]` or `[batch, time, units]`, and the states after the last step, each `[batch, length]`,
  /// whether the layer returns states or not.
  public func withState(
    _ x: Tensor, mask: Tensor? = nil, initialState: [Tensor]? = nil
  ) -> (output: Tensor, states: [Tensor]) {
    enter { run(SequenceInputs(x: x, mask: mask, initialState: initialState)) }
  }

  /// Makes the next sequence of a stateful layer begin with zeros.
  public func resetStates() {
    for variable in keptStates { variable.value = .zeros(variable.shape, dtype: variable.dtype) }
  }

  private var keptStates: [Variable] {
    cell.stateSizes.indices.compactMap { scope.variables["state_\($0)"] }
  }

  // MARK: The loop

  private func run(_ input: SequenceInputs) -> (output: Tensor, states: [Tensor]) {
    guard let x = checked(input), let kept = stateVariables(for: x),
      let initial = cell.initialStates(input.initialState ?? kept?.map(\.value), for: x)
    else { return (.invalid, cell.stateSizes.map { _ in .invalid }) }
    let hasStates = input.initialState != nil || stateful
    let (output, states) = cell.enter {
      let sequence = cell.sequence(x)
      if let fused = sequence.fused, !unroll {
        return run(fused, sequence.inputs, input.mask, initial, hasStates: hasStates)
      }
      return loop(sequence, input.mask, initial)
    }
    for (variable, state) in zip(kept ?? [], states) { variable.value = stopGradient(state) }
    let mask = goBackwards ? input.mask?[.all, .stride(by: -1)] : input.mask
    setMask(returnSequences ? mask : nil)
    return (output, states)
  }

  /// All steps as one operation.
  private func run(
    _ steps: FusedSteps, _ inputs: Tensor, _ mask: Tensor?, _ initial: [Tensor], hasStates: Bool
  ) -> (output: Tensor, states: [Tensor]) {
    let (outputs, states) = steps(
      inputs, states: initial, mask: mask, goBackwards: goBackwards)
    var output = returnSequences ? outputs : states[0]
    // Until the first step that counts the states are those given, but the output is 0.
    if let mask, hasStates {
      let counts = mask.cast(to: .bool).cast(to: .int32)
      let seen =
        returnSequences
        ? cumulativeSum(counts, axis: 1, reverse: goBackwards) : sum(counts, axis: 1)
      output = select(expandDims(seen .> 0, axis: -1), output, 0)
    }
    if returnSequences, goBackwards { output = output[.all, .stride(by: -1)] }
    return (output, states)
  }

  /// One step after the other; the last output goes with the states where somebody asks for it.
  private func loop(
    _ sequence: RecurrentSequence, _ mask: Tensor?, _ initial: [Tensor]
  ) -> (output: Tensor, states: [Tensor]) {
    let (inputs, count) = (sequence.inputs, initial.count)
    let needsLast = mask != nil || !returnSequences
    let nothing = Tensor.zeros([inputs.shape[0], units], dtype: inputs.dtype)
    do {
      let (states, outputs) = try scan(
        over: [inputs] + [mask].compactMap(\.self), axis: 1,
        initial: initial + (needsLast ? [nothing] : []), isReversed: goBackwards,
        isUnrolled: unroll
      ) { before, slices in
        var (output, next) = sequence.step(slices[0], Array(before.prefix(count)))
        if mask != nil {
          let counts = expandDims(slices[1], axis: -1)
          output = select(counts, output, before[count])
          next = zip(next, before).map { select(counts, $0, $1) }
        }
        return (next + (needsLast ? [output] : []), returnSequences ? [output] : [])
      }
      guard returnSequences else { return (states[count], Array(states.prefix(count))) }
      return (
        goBackwards ? outputs[0][.all, .stride(by: -1)] : outputs[0], Array(states.prefix(count))
      )
    } catch {
      return (fail(error), initial.map { _ in .invalid })
    }
  }

  /// The sequence in a floating type, or nil after an error.
  private func checked(_ input: SequenceInputs) -> Tensor? {
    let x = floating(input.x)
    guard x.rank == 3, !x.isInvalid else {
      _ = wrongInput(x, expected: "[batch, time, features]")
      return nil
    }
    guard x.shape[1] > 0 else {
      _ = wrongInput(x, expected: "[batch, time, features] with one step at least")
      return nil
    }
    let steps = Shape(Array(x.shape.dimensions.prefix(2)))
    if let mask = input.mask, mask.shape != steps {
      _ = wrongInput(mask, expected: "a mask [batch, time] = \(steps)")
      return nil
    }
    return x
  }

  /// The variables that keep the states of a stateful layer; `.some(nil)` for another, nil after an error.
  private func stateVariables(for x: Tensor) -> [Variable]?? {
    guard stateful else { return .some(nil) }
    if let known = keptStates.first, known.shape[0] != x.shape[0] {
      _ = wrongInput(
        x, expected: "batches of \(known.shape[0]) as at the first call, since it keeps states")
      return nil
    }
    let variables = cell.stateSizes.enumerated().map { index, size in
      variable(
        "state_\(index)", kind: .state, shape: [x.shape[0], size], dtype: x.dtype, combine: .first)
    }
    return .some(variables)
  }
}
