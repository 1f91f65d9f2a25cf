import Tensors

extension Model {
  /// Whether all weights are finite numbers.
  package var hasFiniteWeights: Bool {
    module.variables.allSatisfy { !$0.dtype.isFloating || all(isFinite($0.stored)).item() != 0 }
  }
}
