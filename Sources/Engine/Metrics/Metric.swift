import Tensors

/// A metric: a class with `update` and `result`, written `final class Accuracy: Metric { ... }`.
public typealias Metric = AnyMetric & MetricProtocol

/// A number that sums up what a model does on all data seen so far.
///
/// As with losses, the fields of `Inputs` say by name what the metric wants, and labels and predictions come in one rank
/// (see ``Loss``); one weight a sample comes as `[batch]`. State is kept in variables
/// (``AnyMetric/state(_:shape:dtype:combine:initial:)``), combined over ranks when the result is read: a result on N
/// ranks is that of one process that saw all the data.
public protocol MetricProtocol: AnyObject {
  /// What the metric asks for, by name.
  associatedtype Inputs: Decodable
  /// A tensor, or a dictionary of them that is logged part by part.
  associatedtype Result: NamedValues
  /// Takes one batch into account.
  func update(_ inputs: Inputs)
  /// The value from the state alone.
  func result() -> Result
}

/// What all metrics share: state, a name, and the part of the labels that they are about.
open class AnyMetric: AnyModule {
  /// Which part of `yTrue` and `yPred` the metric is about; nil for all.
  public let on: StructurePath?
  private var initial: [(Variable, Double)] = []

  /// A metric, named after its type unless `name` is given.
  public init(on: StructurePath? = nil, name: String? = nil) {
    self.on = on
    super.init(name: name)
  }

  /// The name in logs.
  public var name: String { explicitName ?? snakeCase(typeName) }

  /// A state variable: made at the first use, found again later.
  ///
  /// - Parameters:
  ///   - name: unique within the metric.
  ///   - shape: must be the same at every call.
  ///   - dtype: float64 unless given, so that counts stay exact beyond 2^24.
  ///   - combine: how the states of several ranks become one.
  ///   - initial: the value of every element after ``reset()``.
  /// - Returns: the variable.
  public func state(
    _ name: String, shape: Shape = [], dtype: DType = .float64, combine: Combine = .sum,
    initial: Double = 0
  ) -> Variable {
    let variable = variable(
      name, kind: .metricState, shape: shape, dtype: dtype, combine: combine, initial: initial)
    if !self.initial.contains(where: { $0.0 === variable }) {
      self.initial.append((variable, initial))
    }
    return variable
  }

  /// Forgets everything seen so far.
  open func reset() {
    for (variable, value) in initial {
      variable.value = .full(variable.shape, value, dtype: variable.dtype)
    }
  }

  /// The state variables, in order of making.
  package var stateVariables: [Variable] { initial.map(\.0) }

  /// Takes a batch into account, injecting what the metric asks for.
  package func update(context: InjectionContext) throws {
    guard let metric = self as? any MetricProtocol else {
      throw EngineError.model(
        message: "\(typeName) has no update and result: declare it as a Metric")
    }
    let asker = "metric \(name)"
    var context = try on.map { try context.narrowed(to: $0, asker: asker) } ?? context
    if let mask = context.mask, let predictions = context.yPred?.tensor {
      context.sampleWeight = try mask.applied(
        to: context.sampleWeight?.tensor, ofMetricOn: predictions
      ).map(Structure.tensor)
    }
    if !(self is any TakesClassNumbers) { context = context.withEqualRanks() }
    try update(metric, context, asker)
  }

  private func update<M: MetricProtocol>(
    _ metric: M, _ context: InjectionContext, _ asker: String
  ) throws {
    let inputs = try context.inputs(M.Inputs.self, asker: asker)
    do {
      try withErrors { metric.update(inputs) }
    } catch let error as EngineError {
      throw error.at(.metric(name))
    }
  }

  /// The parts of the result.
  package func namedResults() -> [(name: String?, value: Tensor)] {
    guard let metric = self as? any MetricProtocol else { return [] }
    let values = metric.result().namedValues
    for (part, value) in values where value.elementCount != 1 && !value.isInvalid {
      fail(
        EngineError.shape(
          operation: "metric \(name)",
          message: "result() gives \(part.map { "\"\($0)\" " } ?? "")a tensor of shape "
            + "\(value.shape): logs hold one number a name; for several give a dictionary, "
            + "[String: Tensor], whose parts are logged as \(name)/part"))
      return []
    }
    return values
  }

  /// What the metric asks for.
  package var requirements: [Requirement] {
    if let asker = self as? any AsksByKeyPath { return asker.askedRequirements }
    guard let metric = self as? any MetricProtocol else { return [] }
    return Self.requirements(of: metric)
  }

  private static func requirements<M: MetricProtocol>(of metric: M) -> [Requirement] {
    Engine.requirements(of: M.Inputs.self)
  }
}

extension MetricProtocol where Self: AnyMetric {
  /// Takes one batch into account outside of `Model` and gives the value so far.
  ///
  /// - Throws: when a value that the metric asks for is missing.
  @discardableResult
  public func callAsFunction(
    x: some Encodable = Structure.none, yTrue: some Encodable = Structure.none,
    yPred: some Encodable = Structure.none, sampleWeight: Tensor? = nil
  ) throws -> Result {
    let context = try InjectionContext(
      x: x, yTrue: yTrue, yPred: yPred, sampleWeight: sampleWeight)
    return try withErrors {
      try update(context: context)
      return result()
    }
  }
}

/// Metrics of Keras: in `metrics` they do not see sample weights, in `weightedMetrics` they do. A metric of your own
/// that asks for `sampleWeight` gets it in both.
package protocol FollowsWeighting {}
