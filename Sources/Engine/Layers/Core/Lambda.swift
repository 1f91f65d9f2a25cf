import Tensors

/// A function as a layer, without parameters: `Lambda { $0 * 2 }`.
public final class Lambda: Module {
  private let function: (Tensor) -> Tensor

  /// A layer that applies `function`.
  public init(name: String? = nil, _ function: @escaping (Tensor) -> Tensor) {
    self.function = function
    super.init(name: name)
  }

  /// What the function gives; its shape is up to the function.
  public func call(_ x: Tensor) -> Tensor { function(x) }
}
