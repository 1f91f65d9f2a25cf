import OrderedCollections
import Tensors

extension Model {
  /// Whether the loss of every sample that this rank has seen since the last reset is a finite number. Looks at running
  /// sums, and takes no collective.
  package var hasFiniteLoss: Bool {
    (trackers["loss"]?.stateVariables ?? []).allSatisfy { $0.value.item().isFinite }
  }

  /// Whether all weights are finite numbers.
  package var hasFiniteWeights: Bool {
    module.variables.allSatisfy { !$0.dtype.isFloating || all(isFinite($0.stored)).item() != 0 }
  }
}
