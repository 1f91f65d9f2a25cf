/// Records what a function does to tensors and variables.
///
/// Operations on traced tensors record themselves (see ``apply(_:_:)``); the trace itself keeps track of variables: the
/// first read makes an input, and the last value written becomes an update.
package final class Trace: VariableContext {
  package private(set) var variables: [Variable] = []
  private var placeholders: [ObjectIdentifier: Tensor] = [:]
  private var current: [ObjectIdentifier: Tensor] = [:]
  package private(set) var written: [Variable] = []
  /// Results of operations that happen whoever reads them: see ``CollectivePrimitive``.
  package private(set) var kept: [Tensor] = []
  /// Facts about modules that the traced code depended on: the plan is valid only while they hold.
  package private(set) var guards: [TraceGuard] = []
  /// What the guards are about, so that what is looked at often is guarded once.
  private var guarded: Set<TraceGuard.Subject> = []

  package static var active: Trace? {
    var context = VariableContext.current
    while let candidate = context {
      if let trace = candidate as? Trace { return trace }
      context = candidate.parent
    }
    return nil
  }

  package override func read(_ variable: Variable) -> Tensor {
    current[ObjectIdentifier(variable)] ?? placeholder(of: variable)
  }

  /// The last value written to a variable, or its own.
  package func lastValue(of variable: Variable) -> Tensor {
    current[ObjectIdentifier(variable)] ?? variable.stored
  }

  package override func write(_ variable: Variable, _ value: Tensor) {
    let key = ObjectIdentifier(variable)
    if current[key] == nil { written.append(variable) }
    current[key] = value
  }

  /// Makes an operation part of the graph, whoever reads its result.
  package func keep(_ result: Tensor) { kept.append(result) }

  package func addGuard(_ condition: TraceGuard) {
    if let subject = condition.subject, !guarded.insert(subject).inserted { return }
    guards.append(condition)
  }

  /// What stands for a variable's value at the beginning.
  package func placeholder(of variable: Variable) -> Tensor {
    let key = ObjectIdentifier(variable)
    if let known = placeholders[key] { return known }
    let fresh = Placeholder.tensor(variable.spec, index: -1 - variables.count)
    placeholders[key] = fresh
    variables.append(variable)
    return fresh
  }
}

/// A fact that was read while tracing, such as whether a module was in training mode.
package struct TraceGuard {
  /// What a fact is about: an object and one of its properties.
  package struct Subject: Hashable {
    let object: ObjectIdentifier
    let property: String
  }

  package let describe: String
  /// Two guards with one subject in one trace are the same.
  package let subject: Subject?
  package let holds: () -> Bool

  package init(describe: String, holds: @escaping () -> Bool) {
    self.describe = describe
    subject = nil
    self.holds = holds
  }

  /// The fact that a property of an object has the value that it has now.
  package init<Object: AnyObject, Value: Equatable>(
    _ name: String, _ object: Object, _ property: String, _ read: @escaping (Object) -> Value
  ) {
    let expected = read(object)
    describe = "\(name).\(property) == \(expected)"
    subject = Subject(object: ObjectIdentifier(object), property: property)
    holds = { [weak object] in object.map { read($0) == expected } ?? false }
  }
}

/// Stands for an input of a graph.
struct Placeholder: Primitive {
  let index: Int

  static func tensor(_ spec: TensorSpec, index: Int) -> Tensor {
    Node(primitive: Placeholder(index: index), inputs: [], outputs: [spec], values: []).output(0)
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }
  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel { {} }
  func gradient(_ context: GradientContext) -> [Tensor?] { [] }
}
