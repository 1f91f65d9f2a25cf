import Tensors

/// Fully connected layers one after the other: `MLP([64, 32, 1])`.
///
/// The activation follows every layer but the last. Children are `linear`, `linear_1`, ...
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6; Treex, `nn.MLP`.
public final class MLP: Module, KeepsMask {
  /// The lengths of the layers' outputs.
  public let units: [Int]
  /// What follows every layer but the last.
  public let activation: ActivationFunction
  /// Whether the layers have biases.
  public let useBias: Bool

  /// Layers with these numbers of outputs; none fails with ``EngineError/invalidArgument(message:)``.
  public init(
    _ units: [Int], activation: ActivationFunction = .relu, useBias: Bool = true,
    name: String? = nil
  ) {
    self.units = units
    self.activation = activation
    self.useBias = useBias
    super.init(name: name)
    if units.isEmpty { wrongArguments("needs one layer at least, got no numbers of units") }
  }

  /// `[..., in]` to `[..., units of the last layer]`.
  public func call(_ x: Tensor) -> Tensor {
    units.indices.reduce(x) { x, index in
      let isLast = index == units.count - 1
      return Linear(units[index], activation: isLast ? nil : activation, useBias: useBias)(x)
    }
  }
}
