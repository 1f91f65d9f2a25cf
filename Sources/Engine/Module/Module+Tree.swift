import OrderedCollections
import Tensors

// What a user's module may well have a property of its own for is a member of `KerasLayer`, where it gives way.

extension AnyModule {
  /// Every variable of this module and its children with its path from here; a shared one once.
  ///
  /// In order: a module's own variables as they were made, then its logs, then its children.
  public var namedVariables: [(path: String, variable: Variable)] {
    Trace.active?.addGuard(
      TraceGuard(typeName, scope, "variables.count", \.variableCount))
    var seen: Set<ObjectIdentifier> = []
    var found: [(String, Variable)] = []
    visit { prefix, module in
      for (name, variable) in module.scope.variables
      where seen.insert(ObjectIdentifier(variable)).inserted {
        found.append((prefix + name, variable))
      }
      for variable in module.scope.logs.values
      where seen.insert(ObjectIdentifier(variable)).inserted {
        let name = variable.path.split(separator: "/").last ?? ""
        found.append((prefix + name, variable))
      }
    }
    return found
  }

  /// Visits this module and every module below it, outer ones first, with the path in front of its variables (`""`, or
  /// `linear/`). A module in two places is visited twice.
  func visit(_ body: (_ prefix: String, _ module: AnyModule) -> Void) {
    visit("", below: { $0 + $1 + "/" }, body)
  }

  /// Visits this module and every module below it as ``visit(_:)`` does, without paths.
  func visitModules(_ body: (AnyModule) -> Void) {
    visit((), below: { place, _ in place }) { _, module in body(module) }
  }

  private func visit<Place>(
    _ place: Place, below: (Place, String) -> Place, _ body: (Place, AnyModule) -> Void
  ) {
    // What is held in properties may have changed since the last call; an object that was made in a call has not.
    func descend(_ place: Place, _ module: AnyModule, isHeld: Bool) {
      if isHeld { module.adoptReplacements() }
      body(place, module)
      let scope = module.scope
      let names = scope.propertyNames
      for (index, (name, child)) in scope.children.enumerated() {
        // Properties are in front, in order, unless one has just been exchanged.
        let isProperty = index < names.count && names[index] == name || names.contains(name)
        descend(below(place, name), child, isHeld: isHeld && isProperty)
      }
    }
    let isMadeInCall =
      scope.parent.map { parent in
        parent.children.contains { $1 === self && !parent.propertyNames.contains($0) }
      } ?? false
    descend(place, self, isHeld: !isMadeInCall)
  }
}

extension KerasLayer {
  /// Every variable of this module and its children.
  public var variables: [Variable] { namedVariables.map(\.variable) }

  /// The variables of one kind.
  public func variables(_ kind: VariableKind) -> [Variable] {
    variables.filter { $0.kind == kind }
  }

  /// The parameters that the optimizer changes: those that are not frozen.
  public var trainableVariables: [Variable] {
    variables.filter { $0.kind == .parameter && $0.trainable }
  }
}

extension AnyModule {
  /// Whether this module has been called, or initialised, so that its variables and the modules made in `call` exist.
  public var isInitialized: Bool { scope.isFilled || hasAllVariables }

  /// Leaves out this module's parameters when training, until ``unfreeze()``: also those that are not made yet.
  @discardableResult
  public func freeze() -> Self {
    setFrozen(true)
    return self
  }

  /// Trains this module's parameters again.
  @discardableResult
  public func unfreeze() -> Self {
    setFrozen(false)
    return self
  }

  private func setFrozen(_ isFrozen: Bool) {
    visit { _, module in
      module.scope.isFrozen = isFrozen
      for variable in module.scope.variables.values where variable.kind == .parameter {
        variable.trainable = !isFrozen
      }
    }
  }

  /// This module and all below it.
  var modules: [AnyModule] {
    var found: [AnyModule] = []
    visitModules { found.append($0) }
    return found
  }

  /// This module and all below it, whatever objects stand for them.
  var scopes: [Scope] {
    var found: [Scope] = []
    visitModules { found.append($0.scope) }
    return found
  }

  /// Everything about a training step that freezing, unfreezing, `train()` and `eval()` change.
  var modes: [Bool] {
    var seen: Set<ObjectIdentifier> = []
    var (areTrained, areTraining): ([Bool], [Bool]) = ([], [])
    visitModules { module in
      for variable in module.scope.variables.values
      where variable.kind == .parameter && seen.insert(ObjectIdentifier(variable)).inserted {
        areTrained.append(variable.trainable)
      }
      areTraining.append(module.scope.isTraining)
    }
    return areTrained + areTraining
  }

  /// Whether this module has parameters of its own and none of them is trained.
  package var isFrozen: Bool {
    let own = scope.variables.values.filter { $0.kind == .parameter }
    let isFrozen = !own.isEmpty && own.allSatisfy { !$0.trainable }
    Trace.active?.addGuard(
      TraceGuard(describe: "\(typeName) \(scope.path) is \(isFrozen ? "" : "not ")frozen") {
        own.allSatisfy { $0.trainable == !isFrozen }
      })
    return isFrozen
  }
}

extension KerasLayer {
  /// The seed of initial values and random keys of this module and its children. To be set before the first call.
  ///
  /// A part has that of the module that it is a part of. A module that stands alone, and was given none, takes the next one
  /// of a sequence when it is first needed; see ``setSeed(_:)``.
  public var seed: UInt64 {
    get { scope.seed }
    set { visit { _, module in module.scope.seed = newValue } }
  }
}

extension AnyModule {

  /// Makes the variables without computing anything, from the shapes of what `body` calls the module with.
  func initialize(_ body: () throws -> Void) throws {
    var isComplete = isInitialized
    visit { _, module in
      if module.scope.isChanged { isComplete = false }
      module.scope.isChanged = false
    }
    guard !isComplete else { return }
    _ = try Trace.record([]) { _ in
      try body()
      return []
    }
  }
}

extension Callable where Self: AnyModule {
  /// Makes the variables for inputs like this one, without computing anything: what the first call would do.
  ///
  /// - Throws: the first error of an operation when the module cannot take such an input.
  @discardableResult
  public func initialize(_ input: Input) throws -> Self {
    try initialize { self(input) }
    return self
  }
}
