import Tensors

/// The weighted mean of a value: of predictions unless told otherwise.
///
/// ```swift
/// Mean()              // of yPred
/// Mean(of: \.x)       // of the input
/// ```
///
/// - SeeAlso: Keras, `metrics.Mean`.
public final class Mean: MeanMetric, MetricProtocol {
  private let value: @Sendable (InjectedTensors) -> Tensor

  /// The metric of the value that a key path names.
  public init(
    of path: KeyPath<InjectedTensors, Tensor> & Sendable = \.yPred, on: StructurePath? = nil,
    name: String? = nil
  ) {
    value = { $0[keyPath: path] }
    super.init(on: on, name: name)
  }

  /// Counts every element of the value.
  public func update(_ inputs: InjectedTensors) {
    add(value(inputs), sampleWeight: inputs.sampleWeight)
  }
}
