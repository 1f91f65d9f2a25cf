import Tensors

/// What the hooks of a module and of all modules in it noted during a call, in order.
public struct ModuleLogs {
  /// What `addLoss` gave: names that end in `loss`, scalars; equal names are not added up yet.
  public let losses: [(name: String, value: Tensor)]
  /// What `addMetric` gave: paths and scalars.
  public let metrics: [(name: String, value: Tensor)]
  /// What `addSummary` gave: paths and tensors of any shape.
  public let summaries: [(name: String, value: Tensor)]

  /// The sum of all losses; 0 when there are none.
  public var loss: Tensor {
    guard let first = losses.first?.value else { return Tensor(0.0) }
    return losses.dropFirst().reduce(first) { $0 + $1.value }
  }
}
