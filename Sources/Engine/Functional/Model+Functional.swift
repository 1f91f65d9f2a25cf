import Tensors

extension Model {
  /// A model of the layers between some symbolic tensors and others: ``Functional`` with losses and an optimizer.
  ///
  /// Parameters as for ``init(module:losses:metrics:weightedMetrics:optimizer:seed:runEagerly:precision:)``; for
  /// outputs by name, or in a list, losses say with `on:` which one they are about.
  public convenience init(
    inputs: some KerasStructureConvertible, outputs: some KerasStructureConvertible,
    losses: LossTree? = nil, metrics: MetricTree = [], weightedMetrics: MetricTree = [],
    optimizer: Optimizer? = nil, seed: UInt64 = 42, runEagerly: Bool = false,
    precision: PrecisionPolicy = .float32, name: String? = nil
  ) {
    self.init(
      module: Functional(inputs: inputs, outputs: outputs, name: name), losses: losses,
      metrics: metrics, weightedMetrics: weightedMetrics, optimizer: optimizer, seed: seed,
      runEagerly: runEagerly, precision: precision)
  }

  /// A functional model with one loss.
  public convenience init(
    inputs: some KerasStructureConvertible, outputs: some KerasStructureConvertible,
    loss: some Loss, metrics: MetricTree = [], weightedMetrics: MetricTree = [],
    optimizer: Optimizer? = nil, seed: UInt64 = 42, runEagerly: Bool = false,
    precision: PrecisionPolicy = .float32, name: String? = nil
  ) {
    self.init(
      inputs: inputs, outputs: outputs, losses: LossTree(loss), metrics: metrics,
      weightedMetrics: weightedMetrics, optimizer: optimizer, seed: seed, runEagerly: runEagerly,
      precision: precision, name: name)
  }

  /// The module as the graph of layers that it is; nil for any other module.
  public var functional: Functional? { module as? Functional }
}
