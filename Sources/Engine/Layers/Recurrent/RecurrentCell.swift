import Tensors

/// One step of a recurrent layer: from an input and states to an output and the next states.
///
/// ``RNN`` makes a layer of any cell. A cell of one's own gives ``sequence(_:)``; modules that it uses are made in its
/// `init`, because a sequence is one call, however many steps it has. A cell can also be called by itself, for one step:
///
/// ```swift
/// let cell = GRUCell(32)
/// let next = cell(RecurrentStep(value: x, states: [h]))    // next.value, next.states
/// ```
///
/// - SeeAlso: Keras, `layers.RNN`.
public protocol RecurrentCell: AnyModule, Callable
where Input == RecurrentStep, Output == RecurrentStep {
  /// The length of the last axis of the output.
  var units: Int { get }
  /// The lengths of the states, which are `[batch, length]`, in order.
  var stateSizes: [Int] { get }

  /// Begins a sequence, or a single step: reads the variables, draws masks, and computes what needs no state.
  ///
  /// - Parameter x: `[batch, time, features]` or, for a single step, `[batch, features]`; floating.
  /// - Returns: what the steps take of `x`, and the function that makes one.
  func sequence(_ x: Tensor) -> RecurrentSequence

  /// A cell with the same settings and variables of its own.
  func fresh() -> Self
}

/// A sequence that a cell has begun.
public struct RecurrentSequence {
  /// What the steps take: the cell's input or what it made of it, for all steps at once.
  public let inputs: Tensor
  /// From a step's part of `inputs`, `[batch, n]`, and the states to the output and the next states. Called once for all steps,
  /// on tensors without values: it must do the same at each.
  public let step: (_ input: Tensor, _ states: [Tensor]) -> (output: Tensor, states: [Tensor])
  /// The steps as one operation, where there is one that does the same.
  var fused: FusedSteps?

  /// A sequence from its parts.
  public init(
    inputs: Tensor,
    step: @escaping (_ input: Tensor, _ states: [Tensor]) -> (output: Tensor, states: [Tensor])
  ) {
    self.inputs = inputs
    self.step = step
  }
}

/// All steps of a sequence as one operation on its `inputs`: see `recurrence`.
struct FusedSteps {
  private let kind: RecurrenceCell.Kind
  private let activation: RecurrenceCell.Activation
  private let gate: RecurrenceCell.Activation
  private let weights: Tensor
  private let bias: Tensor?
  private let drop: Tensor?

  /// Nil for activations that the operation does not know.
  init?(
    _ kind: RecurrenceCell.Kind, activation: ActivationFunction, gate: ActivationFunction,
    weights: Tensor, bias: Tensor? = nil, drop: Tensor?
  ) {
    guard let activation = activation.ofRecurrence, let gate = gate.ofRecurrence else { return nil }
    self.kind = kind
    self.activation = activation
    self.gate = gate
    self.weights = weights
    self.bias = bias
    self.drop = drop
  }

  /// The outputs of all steps `[batch, time, units]`, in the order of time, and the last states.
  func callAsFunction(
    _ inputs: Tensor, states: [Tensor], mask: Tensor?, goBackwards: Bool
  ) -> (outputs: Tensor, states: [Tensor]) {
    let cell = RecurrenceCell(
      kind, activation: activation, gate: gate, isReversed: goBackwards)
    return recurrence(
      cell, sums: inputs, weights: weights, states: states, bias: bias, mask: mask, drop: drop)
  }
}

extension ActivationFunction {
  fileprivate var ofRecurrence: RecurrenceCell.Activation? {
    switch self {
    case .linear: .linear
    case .tanh: .tanh
    case .sigmoid: .sigmoid
    case .relu: .relu
    case .hardSigmoid: .hardSigmoid
    default: nil
    }
  }
}

/// What a cell takes and gives: an input or an output `[batch, length]` with the states before or after it.
public struct RecurrentStep: Codable {
  /// The input or the output.
  public var value: Tensor
  /// The states; nil before the first step: zeros.
  public var states: [Tensor]?

  /// A step from its parts.
  public init(value: Tensor, states: [Tensor]? = nil) {
    self.value = value
    self.states = states
  }
}

extension RecurrentCell {
  /// One step on `[batch, features]`.
  public func call(_ input: RecurrentStep) -> RecurrentStep {
    let x = floating(input.value)
    guard x.rank == 2, !x.isInvalid else {
      return RecurrentStep(value: wrongInput(x, expected: "[batch, features]"))
    }
    guard let states = initialStates(input.states, for: x) else {
      return RecurrentStep(value: .invalid)
    }
    let sequence = sequence(x)
    let (output, next) = sequence.step(sequence.inputs, states)
    return RecurrentStep(value: output, states: next)
  }

  /// The states before the first step, zeros where none are given; nil after an error when they do not fit.
  func initialStates(_ given: [Tensor]?, for x: Tensor) -> [Tensor]? {
    let shapes = stateSizes.map { Shape([x.shape[0], $0]) }
    guard let given else { return shapes.map { .zeros($0, dtype: x.dtype) } }
    guard given.map(\.shape) == shapes else {
      if given.contains(where: \.isInvalid) { return nil }
      fail(
        EngineError(
          .shape, operation: typeName,
          .expectation("states \(shapes.list)", found: given.map(\.shape).list)))
      return nil
    }
    return given.map { $0.cast(to: x.dtype) }
  }
}

extension [Shape] {
  fileprivate var list: ErrorText { map(\.errorText).joined(", ") }
}
