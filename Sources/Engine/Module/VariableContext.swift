/// Stands between variables and the code that reads and writes them: a trace, a gradient, a reduced copy of metric
/// states. Contexts nest; the innermost is asked first.
package class VariableContext {
  package let parent: VariableContext?

  @TaskLocal private static var bound: ThreadBound<VariableContext>?
  package static var current: VariableContext? { bound?.value }

  package init(parent: VariableContext? = VariableContext.current) { self.parent = parent }

  package func read(_ variable: Variable) -> Tensor {
    parent?.read(variable) ?? variable.stored
  }

  package func write(_ variable: Variable, _ value: Tensor) {
    if let parent { parent.write(variable, value) } else { variable.store(value) }
  }

  package func callAsFunction<R>(_ body: () throws -> R) rethrows -> R {
    try Self.$bound.withValue(ThreadBound(value: self), operation: body)
  }
}

/// Some variables have other values inside: leaves of a gradient, or states reduced over ranks.
package final class VariableOverlay: VariableContext {
  private var values: [ObjectIdentifier: Tensor]
  private let writesThrough: Bool

  /// - Parameter writesThrough: whether what is written inside also reaches the variables.
  package init(_ values: [(Variable, Tensor)], writesThrough: Bool = true) {
    self.values = Dictionary(
      values.map { (ObjectIdentifier($0.0), $0.1) }, uniquingKeysWith: { first, _ in first })
    self.writesThrough = writesThrough
    super.init()
  }

  package override func read(_ variable: Variable) -> Tensor {
    values[ObjectIdentifier(variable)] ?? super.read(variable)
  }

  package override func write(_ variable: Variable, _ value: Tensor) {
    let key = ObjectIdentifier(variable)
    if values[key] != nil || !writesThrough { values[key] = value }
    if writesThrough { super.write(variable, value) }
  }
}
