import Tensors

/// The step of ``SimpleRNN``: `h' = activation(x · kernel + bias + h · recurrent_kernel)`, which is output and state.
///
/// Parameters: `kernel` `[features, units]`, `recurrent_kernel` `[units, units]`, `bias` `[units]`.
///
/// - SeeAlso: Elman, *Finding Structure in Time* (1990); Keras, `layers.SimpleRNNCell`.
public final class SimpleRNNCell: AnyModule, RecurrentCell {
  private let settings: RecurrentSettings

  /// A cell: `SimpleRNNCell(32)`.
  public init(_ settings: RecurrentSettings, name: String? = nil) {
    self.settings = settings
    super.init(name: name)
    check(settings)
  }

  /// The length of output and state.
  public var units: Int { settings.units }
  /// One state.
  public var stateSizes: [Int] { [units] }

  /// A cell with the same settings and variables of its own.
  public func fresh() -> SimpleRNNCell { SimpleRNNCell(settings) }

  /// Computes the inputs' part of the sums.
  public func sequence(_ x: Tensor) -> RecurrentSequence {
    let weights = weights(settings, gates: 1, for: x)
    let product = matmul(dropped(x, settings), weights.kernel)
    let (drop, activation) = (stateDropout(settings, for: x), settings.activation)
    return RecurrentSequence(inputs: weights.bias.map { product + $0 } ?? product) {
      input, states in
      let h = activation(matmul(drop(states[0]), weights.recurrentKernel) + input)
      return (h, [h])
    }
  }
}
