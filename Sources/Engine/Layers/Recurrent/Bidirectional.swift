import Tensors

/// A recurrent layer twice: from the first step to the last and from the last to the first.
///
/// ```swift
/// let y = Bidirectional(LSTM(32, returnSequences: true))(x)      // [batch, time, 64]
/// ```
///
/// Outputs of all steps are put back in the order of the input before they are merged, and are 0 at masked steps. With
/// states the list is: output, states of the forward layer, states of the backward one; initial states come in the same
/// order.
///
/// - SeeAlso: Schuster, Paliwal, *Bidirectional Recurrent Neural Networks* (1997); Keras, `layers.Bidirectional`.
public final class Bidirectional<Cell: RecurrentCell>: Module, TakesMask {
  /// The layer that was given.
  public let forward: RNN<Cell>
  /// The layer that goes the other way.
  public let backward: RNN<Cell>
  /// How outputs are merged; nil for a list of both.
  public let mergeMode: BidirectionalMerge?

  /// A layer and its mirror image.
  ///
  /// - Parameters:
  ///   - forward: goes from the first step to the last.
  ///   - backward: goes the other way, and returns the same; by default a layer like `forward`, with its own
  ///     variables.
  ///   - mergeMode: how both outputs become one; nil for a list of them.
  ///   - name: that of the layer.
  public init(
    _ forward: RNN<Cell>, backward: RNN<Cell>? = nil, mergeMode: BidirectionalMerge? = .concat,
    name: String? = nil
  ) {
    self.forward = forward
    self.backward = backward ?? forward.fresh(goBackwards: !forward.goBackwards)
    self.mergeMode = mergeMode
    super.init(name: name)
    let other = self.backward
    if other === forward || other.goBackwards == forward.goBackwards
      || other.returnSequences != forward.returnSequences
      || other.returnState != forward.returnState
    {
      wrongArgument(
        "the layers", must: "go different ways and return the same",
        got: "\(forward.configuration) and \(other.configuration)")
    }
  }

  /// One tensor, or a list: the merged output or both, then the states if the layers return them.
  public func call(_ input: SequenceInputs) -> Structure {
    let (outputs, states) = run(input)
    let tensors = outputs + (forward.returnState ? states : [])
    return tensors.count == 1 ? .tensor(tensors[0]) : .list(tensors.map(Structure.tensor))
  }

  /// The merged output alone, or that of the forward layer where they are not merged: `[batch, n]`, or `[batch, time, n]`
  /// with `returnSequences`, where `n` is `units`, or twice that with ``BidirectionalMerge/concat``.
  public func callAsFunction(
    _ x: Tensor, mask: Tensor? = nil, initialState: [Tensor]? = nil
  ) -> Tensor {
    enter { run(SequenceInputs(x: x, mask: mask, initialState: initialState)).outputs[0] }
  }

  private func run(_ input: SequenceInputs) -> (outputs: [Tensor], states: [Tensor]) {
    let half = forward.cell.stateSizes.count
    func run(_ layer: RNN<Cell>, _ states: ArraySlice<Tensor>?) -> (Tensor, [Tensor]) {
      let (output, last) = layer.withState(
        input.x, mask: input.mask, initialState: states.map { Array($0) })
      guard layer.returnSequences, !output.isInvalid else { return (output, last) }
      let ordered = layer.goBackwards ? output[.all, .stride(by: -1)] : output
      // A skipped step repeats its neighbour on another side in each direction: nothing to merge.
      return (input.mask.map { select($0.expandDims(axis: -1), ordered, 0) } ?? ordered, last)
    }
    let (a, first) = run(forward, input.initialState?.prefix(half))
    let (b, second) = run(backward, input.initialState?.dropFirst(half))
    setMask(forward.returnSequences ? input.mask : nil)
    return (merged(a, b), first + second)
  }

  private func merged(_ a: Tensor, _ b: Tensor) -> [Tensor] {
    switch mergeMode {
    case .concat: [concatenate([a, b], axis: -1)]
    case .sum: [a + b]
    case .mul: [a * b]
    case .ave: [(a + b) / 2]
    case nil: [a, b]
    }
  }

  /// Makes the next sequence of stateful layers begin with zeros.
  public func resetStates() {
    forward.resetStates()
    backward.resetStates()
  }
}

/// How the outputs of both directions become one.
public enum BidirectionalMerge: String, Codable, Sendable {
  /// The backward one behind the forward one, along the last axis.
  case concat
  /// Both added.
  case sum
  /// Both multiplied, element by element.
  case mul
  /// The mean of both.
  case ave
}
