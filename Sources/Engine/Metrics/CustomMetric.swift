import Tensors

/// A metric from a function of values that key paths name: the weighted mean of what it gives for each sample.
///
/// ```swift
/// CustomMetric("mae", \.yTrue, \.yPred) { yTrue, yPred in mean(abs(yTrue - yPred), axis: -1) }
/// ```
///
/// A function that is not a mean over samples (a quotient of counts, a maximum) needs a ``Metric`` class with states of
/// its own: a mean of such values over batches would depend on how the data is cut.
///
/// - SeeAlso: Keras, `metrics.MeanMetricWrapper`.
public final class CustomMetric: MeanMetric, MetricProtocol, AsksByKeyPath {
  package let askedRequirements: [Requirement]
  private let body: @Sendable (InjectedTensors) -> Tensor

  /// A metric that calls `body` with the values at `paths`.
  ///
  /// - Parameters:
  ///   - name: the name in logs.
  ///   - paths: what `body` takes, in order.
  ///   - on: the part of labels and predictions that it is about; nil for all.
  ///   - body: gives one value a sample, shape `[batch]` or `[batch, ...]`.
  public init<each Value>(
    _ name: String, _ paths: repeat KeyPath<InjectedTensors, each Value> & Sendable,
    on: StructurePath? = nil, _ body: @escaping @Sendable (repeat each Value) -> Tensor
  ) {
    var requirements: [Requirement] = []
    for path in repeat each paths {
      if let requirement = InjectedTensors.requirement(path) { requirements.append(requirement) }
    }
    askedRequirements = requirements
    self.body = { inputs in body(repeat inputs[keyPath: each paths]) }
    super.init(on: on, name: name)
  }

  /// Counts the values of one batch.
  public func update(_ inputs: InjectedTensors) {
    let values = body(inputs)
    do {
      try inputs.context.checkPairing(
        of: values, askedFor: askedRequirements, asker: "metric \(name)")
    } catch {
      fail(error)
    }
    add(values, sampleWeight: inputs.sampleWeight)
  }
}
