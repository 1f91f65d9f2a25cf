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
  private let writes: Writes

  /// Where what is written inside goes.
  package enum Writes {
    /// To the variables, and seen inside as well.
    case through
    /// Nowhere else, for variables that have another value inside; others are written as ever.
    case inside
    /// Nowhere else, for any variable.
    case allInside
  }

  package init(_ values: [(Variable, Tensor)], writes: Writes = .through) {
    self.values = Dictionary(
      values.map { (ObjectIdentifier($0.0), $0.1) }, uniquingKeysWith: { first, _ in first })
    self.writes = writes
    super.init()
  }

  package override func read(_ variable: Variable) -> Tensor {
    values[ObjectIdentifier(variable)] ?? super.read(variable)
  }

  package override func write(_ variable: Variable, _ value: Tensor) {
    let key = ObjectIdentifier(variable)
    let isOwn = values[key] != nil
    if isOwn || writes == .allInside { values[key] = value }
    if writes == .through || (writes == .inside && !isOwn) { super.write(variable, value) }
  }
}
