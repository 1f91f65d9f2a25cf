import OrderedCollections
import Tensors

/// A module: a class with a `call`, written as `final class MLP: Module { func call(_ x: Tensor) -> Tensor { ... } }`.
public typealias Module = AnyModule & Callable

/// Something that turns an input into an output.
public protocol Callable<Input, Output>: AnyObject {
  /// What `call` takes: a `Tensor`, an array or dictionary of tensors, or any Codable struct of these.
  associatedtype Input: Codable
  /// What `call` gives: tensors in any Codable form.
  associatedtype Output: Codable

  /// The forward pass. Hooks (`parameter`, `nextKey`, making modules, ...) can be used inside.
  func call(_ input: Input) -> Output
}

extension Callable where Self: AnyModule {
  /// Runs ``Callable/call(_:)`` with this module's scope.
  @discardableResult
  public func callAsFunction(_ input: Input) -> Output { enter { call(input) } }
}

/// What all modules share: a scope with variables and child modules, hooks, and the module as a tree.
///
/// Making a module inside another one's `call` is a hook: the n-th module made there takes the n-th place of the outer
/// module's scope, so its variables are made at the first call and found again at every later one.
@dynamicMemberLookup
open class AnyModule {
  let explicitName: String?
  private var ownScope: Scope?
  private var creator: CallFrame?
  private var knownTable: PropertyTable?
  private var knownHeld: HeldModules?
  /// The calls on symbolic tensors that this layer takes part in.
  var connections = LayerConnections()

  /// A module, named after its type unless `name` is given.
  public init(name: String? = nil) {
    explicitName = name
    guard let frame = CallFrame.current else { return }
    // Modules that this one holds in properties are its children, not hooks of the call that made them.
    let children = propertyModules
    if !children.isEmpty {
      frame.pending.removeAll { module in children.contains { $0.module === module } }
    }
    frame.pending.append(self)
    creator = frame
  }

  /// Whether all variables exist before the first call.
  var hasAllVariables: Bool { false }

  /// The name of the type, without generic arguments.
  var typeName: String { table.typeName }

  /// The name of a module that was made without one.
  var nameOfType: String {
    let name = typeName
    return name == table.typeName ? table.moduleName : snakeCase(name)
  }

  private var table: PropertyTable {
    if let knownTable { return knownTable }
    let table = PropertyTable.table(of: self)
    knownTable = table
    return table
  }

  /// Whether training goes on: dropout is active, batch statistics are taken from the batch.
  ///
  /// In `fit` true, in `evaluate` and `predict` false; in a direct call what ``train()`` or ``eval()`` set last on the
  /// outermost module (true at first). False in a part on which ``eval()`` was called, whatever happens around it.
  public var isTraining: Bool {
    CallFrame.current?.isTraining ?? ModuleContext.current?.isTraining ?? scope.isTraining
  }

  /// Direct calls from now on are training, and so are all parts in `fit`.
  @discardableResult
  public func train() -> Self {
    scope.isTraining = true
    for (_, child) in scope.children { child.train() }
    return self
  }

  /// Direct calls from now on are inference. On a part of a model: this part stays at inference in `fit` too.
  @discardableResult
  public func eval() -> Self {
    scope.isTraining = false
    return self
  }

  // MARK: Scope

  var scope: Scope {
    if ownScope == nil { creator?.resolvePending() }
    if let ownScope { return ownScope }
    let fresh = Scope(path: "", typeName: typeName, parent: nil)
    settle(in: fresh)
    return fresh
  }

  /// Takes the place `name` under `parent`: the scope that is there already, or a new one.
  func adopt(under parent: Scope, name: String) {
    creator = nil
    if let known = parent.children[name] {
      // A graph of layers that is made anew in every call finds its variables again.
      if known !== self, ownScope.map({ $0.parent == nil && $0.isUndrawn }) ?? true {
        settle(in: known.scope)
      }
      return
    }
    parent.children[name] = self
    if let ownScope {
      ownScope.relocate(under: parent, as: name)
      return
    }
    let fresh = Scope(path: parent.childPath(name), typeName: typeName, parent: parent)
    fresh.inheritModes()
    settle(in: fresh)
  }

  /// Takes what is in properties now for children, in the places of what was there at the last call.
  ///
  /// - Returns: the modules in properties.
  @discardableResult
  func adoptReplacements() -> [(label: String, module: AnyModule)] {
    let scope = scope
    let properties = propertyModules
    if isSettled(properties, in: scope) { return properties }
    let labels = properties.map(\.label)
    for label in scope.propertyNames where !labels.contains(label) { scope.children[label] = nil }
    for (index, (label, module)) in properties.enumerated() {
      let known = scope.children[label]
      if let known, module.ownScope != nil, module.ownScope === known.ownScope { continue }
      // Properties come before what is made in `call`.
      let position = scope.children.index(forKey: label) ?? min(index, scope.children.count)
      scope.children[label] = nil
      scope.forgetHeritage(below: label)
      scope.isChanged = true
      module.adopt(under: scope, name: label)
      scope.children[label] = nil
      scope.children.updateValue(module, forKey: label, insertingAt: position)
    }
    scope.propertyNames = labels
    return properties
  }

  /// Whether these modules have their places already, in front of those that were made in `call`.
  private func isSettled(
    _ properties: [(label: String, module: AnyModule)], in scope: Scope
  ) -> Bool {
    let children = scope.children.elements
    guard scope.propertyNames.count == properties.count, children.count >= properties.count else {
      return false
    }
    for (index, (label, module)) in properties.enumerated() {
      guard children[index].key == label, scope.propertyNames[index] == label,
        module.ownScope != nil, module.ownScope === children[index].value.ownScope
      else { return false }
    }
    return true
  }

  /// Stands alone from now on, also when it was made inside the `call` of another module.
  func leaveCreator() {
    creator?.pending.removeAll { $0 === self }
    creator = nil
  }

  private func settle(in scope: Scope) {
    ownScope = scope
    creator = nil
    let properties = propertyModules
    for (label, module) in properties { module.adopt(under: scope, name: label) }
    scope.propertyNames = properties.map(\.label)
  }

  /// The modules that this one holds, each with its name: those in stored properties, in order of declaration; elements of
  /// arrays are `name/0`, `name/1`.
  package var propertyModules: [(label: String, module: AnyModule)] {
    let table = table
    if table.properties != nil {
      if table.holders.isEmpty { return [] }
      if let knownHeld, knownHeld.isCurrent(in: self, table.holders) { return knownHeld.modules }
      let held = HeldModules(of: self, table.holders)
      knownHeld = held
      return held.modules
    }
    var found: [(label: String, module: AnyModule)] = []
    for (label, value) in reflectedProperties {
      PropertyTable.collectAny(label, value, into: &found)
    }
    return found
  }

  /// The stored properties that subclasses declared, those of base classes first, where only reflection can tell.
  private var reflectedProperties: [(label: String, value: Any)] {
    var levels: [Mirror] = []
    var mirror: Mirror? = Mirror(reflecting: self)
    while let level = mirror, level.subjectType != AnyModule.self {
      levels.append(level)
      mirror = level.superclassMirror
    }
    return levels.reversed().flatMap { level in
      level.children.compactMap { label, value in
        label.flatMap { $0.hasPrefix("$") ? nil : ($0, value) }
      }
    }
  }

  /// What this module was made with, to notice when another one takes its place: its properties but for modules, which are
  /// children.
  var hookArguments: [(label: String, value: Any)] {
    if let properties = table.properties {
      return PropertyTable.arguments(of: self, properties)
    }
    return reflectedProperties.filter { _, value in
      !(value is AnyModule) && !(value is [AnyModule]) && !(value is [String: AnyModule])
    }
  }

  /// ``hookArguments`` as text.
  var configuration: String {
    let parts = hookArguments.compactMap { label, value -> String? in
      // Dictionaries and sets are printed in an order that changes from one to the next.
      let mirror = Mirror(reflecting: value)
      let isUnordered = mirror.displayStyle == .dictionary || mirror.displayStyle == .set
      let text = isUnordered ? "\(mirror.children.map { "\($0.value)" }.sorted())" : "\(value)"
      return text.contains("(Function)") ? nil : "\(label): \(text)"
    }
    return "(" + parts.joined(separator: ", ") + ")"
  }

  // MARK: Calling

  /// Runs `body` as this module's call.
  package func enter<R>(_ body: () throws -> R) rethrows -> R {
    // After a failure nothing is computed any more: a module with wrong arguments could trap.
    if ErrorScope.current?.error != nil, let nothing = Self.standIn(for: R.self) { return nothing }
    let scope = scope
    let held = adoptReplacements()
    CallFrame.current?.resolvePending()
    if let trace = Trace.active {
      trace.addGuard(trainingGuard(scope))
      if !held.isEmpty { trace.addGuard(propertyGuard(scope, held.map(\.module))) }
    }
    if let context = ModuleContext.current {
      CallFrame.current?.adoptStranger(self)
      return try enter(context, scope, body)
    }
    let context = ModuleContext(root: scope, isTraining: scope.isTraining)
    return try context {
      let result = try enter(context, scope, body)
      context.finish()
      return result
    }
  }

  private func enter<R>(
    _ context: ModuleContext, _ scope: Scope, _ body: () throws -> R
  ) rethrows -> R {
    if scope.isBusy {
      let error = EngineError.hook(
        path: scope.path,
        message: "\(typeName) calls itself: a module cannot be a layer of its own")
      fail(error)
      // Going on would never end; what stands in for the result is thrown away with the error.
      if let result = Self.standIn(for: R.self) { return result }
      ProgramEnd.stop(error)
    }
    scope.isBusy = true
    defer { scope.isBusy = false }
    let frame = CallFrame(scope, context)
    return try frame {
      let result = try body()
      frame.finish()
      return result
    }
  }

  /// A value without meaning, for the result of a call that has failed; nil where none can be made.
  private static func standIn<R>(for type: R.Type) -> R? {
    if type == Tensor.self { return Tensor.invalid as? R }
    return (type as? any Decodable.Type).flatMap { RecordingDecoder.standIn($0) as? R }
  }

  /// Runs `body` as an outermost call of this module, with `isTraining` given from outside.
  ///
  /// - Returns: the result, and what the hooks of all modules collected.
  package func run<R>(
    isTraining: Bool, _ body: () throws -> R
  ) rethrows -> (result: R, context: ModuleContext) {
    let context = ModuleContext(root: scope, isTraining: isTraining)
    let result = try CallFrame.outside {
      try context {
        let result = try body()
        context.finish()
        return result
      }
    }
    return (result, context)
  }

  /// Holds while the same modules are in properties; what was made in a `call` and is gone cannot change.
  private func propertyGuard(_ scope: Scope, _ held: [AnyModule]) -> TraceGuard {
    TraceGuard(describe: "\(typeName) \(scope.path) holds the same modules") { [weak self] in
      self.map { $0.propertyModules.lazy.map(\.module).elementsEqual(held, by: ===) } ?? true
    }
  }

  private func trainingGuard(_ scope: Scope) -> TraceGuard {
    let name = scope.path.isEmpty ? typeName : "\(typeName) \(scope.path)"
    return TraceGuard(name, scope, "isTraining", \.isTraining)
  }

  /// Calls the module on a structure: an array goes to positions, a dictionary to names.
  ///
  /// - Throws: ``EngineError/structure(message:)`` when the input does not have the form that the module takes.
  package func call(structure: Structure) throws -> Structure {
    guard let callable = self as? any Callable else {
      throw EngineError.model(message: "\(typeName) has no call: declare it as a Module")
    }
    return try call(callable, structure)
  }

  private func call<C: Callable>(_ callable: C, _ structure: Structure) throws -> Structure {
    if let tensor = structure.tensor, let input = tensor as? C.Input {
      return try enter { try StructureEncoder().encode(callable.call(input)) }
    }
    let input: C.Input
    do {
      input = try StructureDecoder(name: "it").decode(C.Input.self, from: structure)
    } catch {
      throw EngineError.structure(message: "the input of \(typeName): \(error)")
    }
    return try enter { try StructureEncoder().encode(callable.call(input)) }
  }

  // MARK: Children and variables by name

  /// The child module with this name, such as `mlp.linear_1`: the same object after every call.
  ///
  /// One that does not exist fails as ``withErrors(_:)`` describes. See ``child(_:)`` for a question instead.
  public subscript(dynamicMember name: String) -> AnyModule {
    if let child = child(name) { return child }
    fail(unknown(name, "child module", Array(scope.children.keys), hint: advice(on: name)))
    return AnyModule(name: name)
  }

  /// The value of the variable with this name, of the variable's shape, such as `mlp.linear.kernel`.
  ///
  /// One that does not exist fails as ``withErrors(_:)`` describes.
  @_disfavoredOverload
  public subscript(dynamicMember name: String) -> Tensor {
    if let variable = scope.variables[name] { return variable.value }
    return fail(unknown(name, "variable", Array(scope.variables.keys), hint: advice))
  }

  /// The error that this module has nothing with a name.
  func unknown(
    _ name: String, _ kind: String, _ known: [String], hint: ErrorText?
  ) -> EngineError {
    EngineError(
      .model, .name(name, kind: kind, holder: typeName, known: known), hint: hint)
  }

  /// What to do about a name that is no child module.
  private func advice(on name: String) -> ErrorText? {
    scope.variables[name] == nil
      ? advice
      : "it is a variable: say that a Tensor is wanted, as in `let \(name): Tensor = module.\(name)`"
  }

  /// What to do about something that is missing because the module was never called.
  var advice: ErrorText? {
    isInitialized
      ? nil : "variables and modules made in call exist after the first call, or initialize(_:)"
  }

  /// The child module with this name, or nil. Children exist after the first call.
  public func child(_ name: String) -> AnyModule? { scope.children[name] }
}

extension KerasLayer {
  /// Child modules in order: properties first, then those made in `call`.
  public var children: [(name: String, module: AnyModule)] {
    scope.children.map { ($0.key, $0.value) }
  }
}
