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
///
/// - Note: Departs from Keras: a metric that compares labels and predictions element by element fails where their shapes differ by more than one axis
///   of length 1; Keras broadcasts in many, such as `MeanSquaredError`, `BinaryAccuracy` and `R2Score`.
open class AnyMetric: AnyModule {
  /// Which part of `yTrue` and `yPred` the metric is about; nil for all.
  public let on: StructurePath?
  private var states: [(name: String, variable: Variable, initial: Double)] = []

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
    if !states.contains(where: { $0.variable === variable }) {
      states.append((name, variable, initial))
    }
    return variable
  }

  /// A state that has been made already, nil before: its shape may depend on the data.
  func madeState(_ name: String) -> Variable? { states.first { $0.name == name }?.variable }

  /// Forgets everything seen so far.
  open func reset() {
    for (_, variable, initial) in states {
      variable.value = .full(variable.shape, initial, dtype: variable.dtype)
    }
  }

  /// Adds what other metrics have counted, as if this one had seen their data as well; they stay as they are.
  ///
  /// States are combined as those of ranks are (``Combine``). Names do not matter, except for metrics made of a closure, which
  /// nothing else tells apart.
  ///
  /// - Throws: ``EngineError/invalidArgument(message:)`` for a metric of another type, with other settings, or with states of
  ///   another shape, and where an integer state does not hold the sum; this one is as before then.
  public func merge(_ others: AnyMetric...) throws { try merge(others) }

  /// Adds what other metrics have counted, as the function of the same name does that takes them one by one.
  public func merge(_ others: [AnyMetric]) throws {
    for other in others { try expectSameKind(other) }
    var values: [(Variable, Tensor)] = []
    for (name, spec, combine, initial) in statesOfAny(others) {
      let mine = state(
        name, shape: spec.shape, dtype: spec.dtype, combine: combine, initial: initial)
      let theirs = others.compactMap { $0.madeState(name)?.value }
      values.append((mine, try combined(mine, with: theirs)))
    }
    for (variable, value) in values { variable.value = value }
  }

  /// The states that one of these metrics has, in order of making.
  private func statesOfAny(
    _ others: [AnyMetric]
  ) -> [(name: String, spec: TensorSpec, combine: Combine, initial: Double)] {
    var found: [(name: String, spec: TensorSpec, combine: Combine, initial: Double)] = []
    for (name, variable, initial) in ([self] + others).flatMap(\.states)
    where !found.contains(where: { $0.name == name }) {
      found.append((name, variable.spec, variable.combine, initial))
    }
    return found
  }

  private func combined(_ mine: Variable, with theirs: [Tensor]) throws -> Tensor {
    let values = [mine.value] + theirs
    if let other = theirs.first(where: { $0.shape != mine.shape || $0.dtype != mine.dtype }) {
      throw EngineError.argument(
        "other", of: "merge", must: "have states of the same shapes: \(mine.path) is \(mine.spec)",
        found: "\(other.spec)")
    }
    return try withErrors {
      switch mine.combine {
      case .sum: try mine.dtype.isFloating ? added(values) : exactlyAdded(values, mine)
      case .mean: added(values) / Double(values.count)
      case .min: values.dropFirst().reduce(values[0], minimum)
      case .max: values.dropFirst().reduce(values[0], maximum)
      case .first: values[0]
      }
    }
  }

  private func added(_ values: [Tensor]) -> Tensor { values.dropFirst().reduce(values[0], +) }

  /// The sum of integers; another one than the true sum is an error, as over ranks.
  private func exactlyAdded(_ values: [Tensor], _ variable: Variable) throws -> Tensor {
    var sums = [Int128](repeating: 0, count: variable.shape.elementCount)
    for value in values {
      for (place, number) in value.scalars(as: Int64.self).enumerated() {
        sums[place] += Int128(number)
      }
    }
    let range = variable.dtype.integerRange
    let whole = try sums.map { sum in
      guard let whole = Int64(exactly: sum), range.contains(whole) else {
        throw EngineError.invalidArgument(
          message: "merge: the sum of \(variable.path), \(sum), does not fit its type "
            + "\(variable.dtype): make it a wider one")
      }
      return whole
    }
    return Tensor(whole, shape: variable.shape, dtype: variable.dtype)
  }

  private func expectSameKind(_ other: AnyMetric) throws {
    func described(_ metric: AnyMetric) -> String { "\(type(of: metric)) (\(metric.name))" }
    guard type(of: other) == type(of: self),
      !(self is any AsksByKeyPath) || name == other.name
    else {
      throw EngineError.argument(
        "other", of: "merge", must: "be a metric of the same kind, \(described(self))",
        found: "\(described(other))")
    }
    for (mine, theirs) in zip(settings, other.settings)
    where !HookArgument(mine.value).isSame(as: theirs.value) {
      throw EngineError.argument(
        "other", of: "merge",
        must: "have the settings of \(described(self)): its \(mine.label) is \(mine.value)",
        found: "\(theirs.value)")
    }
  }

  /// The properties that the classes of this metric declare, and its part.
  private var settings: [(label: String, value: Any)] {
    var settings: [(label: String, value: Any)] = [("on", on as Any)]
    var level: Mirror? = Mirror(reflecting: self)
    while let next = level, next.subjectType != AnyMetric.self {
      settings += next.children.map { ($0.label ?? "setting", $0.value) }
      level = next.superclassMirror
    }
    return settings
  }

  /// The state variables in order of making, each with its name and the value of its elements after ``reset()``.
  var namedStates: [(name: String, variable: Variable, initial: Double)] { states }

  /// The state variables, in order of making.
  package var stateVariables: [Variable] { states.map(\.variable) }

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
    var values = metric.result().namedValues
    if self is any LoggedByElement { values = values.flatMap { $0.value.elements(named: $0.name) } }
    for (part, value) in values where value.elementCount != 1 && !value.isInvalid {
      fail(
        EngineError.shape(
          operation: "metric \(name)",
          message: "result() gives \(part.map { "\"\($0)\" " } ?? "")a tensor of shape "
            + "\(value.shape): logs hold one number a name; for several conform to "
            + "LoggedByElement, whose elements are logged as \(name)/0, \(name)/1, or give a "
            + "dictionary, [String: Tensor], whose parts are logged as \(name)/part"))
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

/// A metric whose result may hold several numbers: in logs each element has a name of its own, its position.
///
/// The elements of a vector are logged as `precision/0`, `precision/1`, ..., those of a matrix row by row as
/// `confusion_matrix/0/0`, `confusion_matrix/0/1`, ...; a scalar keeps the metric's name. Outside of `Model`, `result()` gives
/// the tensor.
public protocol LoggedByElement: AnyMetric {}

extension Tensor {
  /// The elements, row by row, with their positions behind `name`; the tensor itself where it is a scalar.
  fileprivate func elements(named name: String?) -> [(name: String?, value: Tensor)] {
    guard rank > 0, !isInvalid else { return [(name, self)] }
    let flat = reshape([-1])
    return (0..<elementCount).map { index in
      var (rest, position) = (index, [String]())
      for length in shape.dimensions.reversed() {
        position.insert("\(rest % length)", at: 0)
        rest /= length
      }
      return (([name].compactMap { $0 } + position).joined(separator: "/"), flat[index])
    }
  }
}
