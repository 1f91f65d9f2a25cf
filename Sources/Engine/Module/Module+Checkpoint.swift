import Tensors

extension Callable where Self: AnyModule {
  /// Calls the module, and calls it again in the backward pass instead of keeping what it computes inside. See
  /// ``checkpoint(_:)-((Argument)->Result)``.
  ///
  /// ```swift
  /// func call(_ x: Tensor) -> Tensor { blocks.reduce(x) { $1.checkpointed($0) } }
  /// ```
  public func checkpointed(_ input: Input) -> Output {
    do {
      return try checkpoint { (input: Input) in self(input) }(input)
    } catch {
      fail(error)
      return self(input)
    }
  }
}
