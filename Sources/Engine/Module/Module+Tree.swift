extension AnyModule {
  /// Every variable of this module and its children with its path from here; a shared one once.
  ///
  /// In order: a module's own variables as they were made, then its children.
  public var namedVariables: [(path: String, variable: Variable)] {
    var seen: Set<ObjectIdentifier> = []
    var found: [(String, Variable)] = []
    collect("", &seen, &found)
    return found
  }

  private func collect(
    _ prefix: String, _ seen: inout Set<ObjectIdentifier>, _ found: inout [(String, Variable)]
  ) {
    for (name, variable) in scope.variables
    where seen.insert(ObjectIdentifier(variable)).inserted {
      found.append((prefix + name, variable))
    }
    for (name, child) in scope.children { child.collect(prefix + name + "/", &seen, &found) }
  }

  /// Every variable of this module and its children.
  public var variables: [Variable] { namedVariables.map(\.variable) }

  /// The variables that the optimizer changes.
  public var parameters: [Variable] {
    variables.filter { $0.kind == .parameter && $0.trainable }
  }

  /// The variables of one kind.
  public func variables(_ kind: VariableKind) -> [Variable] {
    variables.filter { $0.kind == kind }
  }

  /// Leaves out this module's parameters when training, until ``unfreeze()``.
  @discardableResult
  public func freeze() -> Self {
    for variable in variables where variable.kind == .parameter { variable.trainable = false }
    return self
  }

  /// Trains this module's parameters again.
  @discardableResult
  public func unfreeze() -> Self {
    for variable in variables where variable.kind == .parameter { variable.trainable = true }
    return self
  }

  /// The seed of initial values and random keys of this module and its children. To be set before the first call.
  public var seed: UInt64 {
    get { scope.seed }
    set {
      scope.seed = newValue
      for (_, child) in scope.children { child.seed = newValue }
    }
  }
}
