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
  private let path: KeyPath<InjectedTensors, Tensor> & Sendable

  /// The metric of the value that a key path names.
  public init(
    of path: KeyPath<InjectedTensors, Tensor> & Sendable = \.yPred, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.path = path
    super.init(on: on, name: name)
  }

  /// Counts every element of the value.
  public func update(_ inputs: InjectedTensors) {
    add(inputs[keyPath: path], sampleWeight: inputs.sampleWeight)
  }
}

extension Metrics {
  /// The weighted sum of a value: of predictions unless told otherwise.
  ///
  /// - SeeAlso: Keras, `metrics.Sum`.
  public final class Sum: AnyMetric, MetricProtocol, FollowsWeighting {
    private let path: KeyPath<InjectedTensors, Tensor> & Sendable

    /// The metric of the value that a key path names.
    public init(
      of path: KeyPath<InjectedTensors, Tensor> & Sendable = \.yPred, on: StructurePath? = nil,
      name: String? = nil
    ) {
      self.path = path
      super.init(on: on, name: name)
    }

    /// `Σ w·v` so far, float64, added over ranks.
    public var total: Variable { state("total") }

    /// Adds every element of the value.
    public func update(_ inputs: InjectedTensors) {
      let values = inputs[keyPath: path].cast(to: .float64)
      let weighted = inputs.sampleWeight.map { values * spreadWeights($0, over: values) } ?? values
      total.value = total.value + sum(weighted)
    }

    /// The sum of everything since ``AnyMetric/reset()``; a float64 scalar.
    public func result() -> Tensor { total.value }
  }
}

/// The weighted mean of each element of a value over updates, all of one shape: of predictions unless told otherwise.
///
/// The result has the shape of the value; 0 where all weights are 0, and a scalar 0 before the first update. Unlike other metrics
/// it averages over updates, not over samples, so an update counts as one whatever its rows are, and rows that are shared
/// out to ranks are different elements. For means over samples there is ``Mean``.
///
/// - SeeAlso: Keras 2, `metrics.MeanTensor`; Keras 3 has none.
public final class MeanTensor: AnyMetric, MetricProtocol, FollowsWeighting, LoggedByElement {
  private let path: KeyPath<InjectedTensors, Tensor> & Sendable

  /// The metric of the value that a key path names.
  public init(
    of path: KeyPath<InjectedTensors, Tensor> & Sendable = \.yPred, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.path = path
    super.init(on: on, name: name)
  }

  /// Adds a value, weighted by weights `[first axis]` or of its shape; a value of another shape than before is an error, one
  /// without elements counts nothing.
  public func update(_ inputs: InjectedTensors) {
    let values = inputs[keyPath: path].cast(to: .float64)
    if values.elementCount == 0, !values.isInvalid { return }
    let (total, count) = (
      state("total", shape: values.shape), state("count", shape: values.shape)
    )
    guard let weights = inputs.sampleWeight.map({ spreadWeights($0, over: values) }) else {
      total.value = total.value + values
      count.value = count.value + 1
      return
    }
    total.value = total.value + values * weights
    count.value = count.value + weights
  }

  /// The mean of every element; float64.
  public func result() -> Tensor {
    guard let total = madeState("total"), let count = madeState("count") else { return .zero }
    return ratio(total.value, count.value)
  }
}
