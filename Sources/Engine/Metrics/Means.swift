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

extension Metrics {
  /// The weighted sum of a value: of predictions unless told otherwise.
  ///
  /// - SeeAlso: Keras, `metrics.Sum`.
  public final class Sum: AnyMetric, MetricProtocol, FollowsWeighting {
    private let value: @Sendable (InjectedTensors) -> Tensor

    /// The metric of the value that a key path names.
    public init(
      of path: KeyPath<InjectedTensors, Tensor> & Sendable = \.yPred, on: StructurePath? = nil,
      name: String? = nil
    ) {
      value = { $0[keyPath: path] }
      super.init(on: on, name: name)
    }

    /// `Σ w·v` so far, float64, added over ranks.
    public var total: Variable { state("total") }

    /// Adds every element of the value.
    public func update(_ inputs: InjectedTensors) {
      let values = value(inputs).cast(to: .float64)
      let weighted = inputs.sampleWeight.map { values * spreadWeights($0, over: values) } ?? values
      total.value = total.value + sum(weighted)
    }

    /// The sum of everything since ``AnyMetric/reset()``; a float64 scalar.
    public func result() -> Tensor { total.value }
  }
}
