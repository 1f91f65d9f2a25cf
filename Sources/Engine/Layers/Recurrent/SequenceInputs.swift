import Tensors

/// What a recurrent layer takes: a sequence, alone or with a mask and states to start from.
///
/// One tensor is taken for `x`; a dictionary gives the fields by name.
public struct SequenceInputs: Codable {
  /// The sequences, `[batch, time, features]`.
  public var x: Tensor
  /// `[batch, time]`: where false (or 0) the step is skipped, and output and states stay as they were.
  public var mask: Tensor?
  /// The states before the first step, each `[batch, length]`; zeros by default.
  public var initialState: [Tensor]?

  /// Inputs in which every step counts, unless a mask says otherwise.
  public init(x: Tensor, mask: Tensor? = nil, initialState: [Tensor]? = nil) {
    self.x = x
    self.mask = mask
    self.initialState = initialState
  }
}

/// What a recurrent layer gives: one tensor, or, with `returnState`, a list of the output and the last states.
public struct SequenceOutput: Codable {
  /// `[batch, units]`, or `[batch, time, units]` with `returnSequences`.
  public var output: Tensor
  /// The states after the last step, if the layer returns them.
  public var states: [Tensor]?

  /// An output from its parts.
  public init(output: Tensor, states: [Tensor]? = nil) {
    self.output = output
    self.states = states
  }

  /// Takes one tensor, or a list of the output and states. Throws ``EngineError/structure(message:)`` for anything else.
  public init(from decoder: any Decoder) throws {
    switch try Structure(from: decoder) {
    case .tensor(let tensor): self.init(output: tensor)
    case let structure:
      let tensors = try StructureDecoder(name: "an output").decode([Tensor].self, from: structure)
      guard let output = tensors.first else {
        throw EngineError.structure(message: "an output with states needs one tensor at least")
      }
      self.init(output: output, states: Array(tensors.dropFirst()))
    }
  }

  /// Gives one tensor, or a list of the output and states. Throws what `encoder` throws.
  public func encode(to encoder: any Encoder) throws {
    let structure: Structure =
      states.map { .list(([output] + $0).map(Structure.tensor)) } ?? .tensor(output)
    var container = encoder.singleValueContainer()
    try container.encode(structure)
  }
}

extension SequenceOutput: TensorOrTensors {}
