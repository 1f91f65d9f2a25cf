import OrderedCollections
import Tensors

/// What a module owns: its variables, its child modules and the order in which hooks made them.
///
/// Modules made inside `call` are new objects every time; their scope is the same one every time.
final class Scope {
  /// Where it is from the outermost module; empty for the outermost.
  private(set) var path: String
  let typeName: String
  /// Set by the user, or taken from the sequence when an outermost module first needed it.
  private var ownSeed: UInt64?
  private(set) weak var parent: Scope?
  var variables = OrderedDictionary<String, Variable>()
  /// The last values of `addLoss` and `addMetric`, by kind and name.
  var logs = OrderedDictionary<String, Variable>()
  /// Child modules by name: properties first, then those made in `call`, in order.
  var children = OrderedDictionary<String, AnyModule>() {
    didSet { knownReserved = nil }
  }
  /// Whether modules have been put into properties whose variables may not exist yet.
  var isChanged = false
  /// The names of those that were in properties at the last call.
  var propertyNames: [String] = []
  /// The hooks of `call` in order, as the first call made them.
  var hookRecords: [HookRecord] = [] {
    didSet { knownReserved = nil }
  }
  private var knownReserved: [String: Int]?

  /// The names of children that are not made by hooks: they keep them, and hooks get others.
  var reservedNames: [String: Int] {
    if let knownReserved { return knownReserved }
    let hooks = Set(hookRecords.map(\.name))
    var reserved: [String: Int] = [:]
    for name in children.keys where !hooks.contains(name) { reserved[name] = 1 }
    knownReserved = reserved
    return reserved
  }
  var isFilled = false
  /// Whether direct calls are training; false below the outermost module keeps this part at inference in training.
  var isTraining = true
  /// Whether parameters that are made from now on are left out of training.
  var isFrozen = false
  /// Whether its `call` runs now.
  var isBusy = false

  struct HookRecord {
    let name: String
    let typeName: String
    let arguments: [(label: String, value: HookArgument)]
    /// ``arguments`` as text.
    let configuration: String

    init(_ module: AnyModule, name: String) {
      self.name = name
      typeName = module.typeName
      arguments = module.hookArguments.map { ($0, HookArgument($1)) }
      configuration = module.configuration
    }

    /// Whether a module was made with the same arguments.
    func hasArguments(of module: AnyModule) -> Bool {
      let others = module.hookArguments
      return others.count == arguments.count
        && zip(arguments, others).allSatisfy {
          $0.label == $1.label && $0.value.isSame(as: $1.value)
        }
    }
  }

  /// - Parameters:
  ///   - path: that of the module, from the outermost one.
  ///   - typeName: that of the module.
  ///   - parent: the scope of the module that holds it; nil for the outermost one.
  ///   - seed: nil for that of the parent, or the next one of the sequence.
  init(path: String, typeName: String, parent: Scope?, seed: UInt64? = nil) {
    self.path = path
    self.typeName = typeName
    self.parent = parent
    ownSeed = seed
    isFrozen = parent?.isFrozen ?? false
  }

  /// The seed of initial values and random keys: that of the outermost module, unless this one was given another.
  var seed: UInt64 {
    get {
      if let seed = ownSeed ?? parent?.seed { return seed }
      let seed = ModuleSeeds.current.next()
      ownSeed = seed
      return seed
    }
    set { ownSeed = newValue }
  }

  /// Whether `other` is this scope or made in one of its modules.
  func contains(_ other: Scope) -> Bool {
    var scope: Scope? = other
    while let current = scope {
      if current === self { return true }
      scope = current.parent
    }
    return false
  }

  func childPath(_ name: String) -> String { path.isEmpty ? name : path + "/" + name }

  /// What a copy takes over from its original, by path from the outermost module: variables and modules that are made in
  /// `call` do not exist yet when the copy is made.
  struct Heritage {
    var variables: [String: (value: Tensor, isTrainable: Bool)] = [:]
    var modes: [String: (isTraining: Bool, isFrozen: Bool)] = [:]
  }

  /// Of the outermost module of a copy.
  var heritage: Heritage?

  private var outermost: Scope { parent?.outermost ?? self }

  /// Keeps a fresh variable under `name`, with the value of the original's in a copy.
  func keep(_ variable: Variable, as name: String) {
    variables[name] = variable
    guard let original = outermost.heritage?.variables[childPath(name)],
      original.value.shape == variable.shape
    else { return }
    variable.store(original.value.cast(to: variable.dtype))
    variable.trainable = original.isTrainable
  }

  /// What takes a place from now on is not what the original had there.
  func forgetHeritage(below name: String) {
    let (outermost, path) = (outermost, childPath(name))
    guard let heritage = outermost.heritage else { return }
    func isElsewhere(_ other: String) -> Bool { other != path && !other.hasPrefix(path + "/") }
    outermost.heritage = Heritage(
      variables: heritage.variables.filter { isElsewhere($0.key) },
      modes: heritage.modes.filter { isElsewhere($0.key) })
  }

  /// Sets the modes that the original of a copy has at this place.
  func inheritModes() {
    guard let modes = outermost.heritage?.modes[path] else { return }
    (isTraining, isFrozen) = (modes.isTraining, modes.isFrozen)
  }

  /// Gives a tree that stood alone its place, for initial values that are not drawn yet, messages and logs.
  func relocate(under parent: Scope, as name: String) {
    guard path.isEmpty, self.parent == nil, !contains(parent) else { return }
    self.parent = parent
    relocate(to: parent.childPath(name))
  }

  private func relocate(to path: String) {
    let moved = children.filter { $1.scope.path == childPath($0) }
    self.path = path
    ownSeed = nil
    for (name, variable) in variables { variable.path = childPath(name) }
    for (name, child) in moved { child.scope.relocate(to: childPath(name)) }
  }

  /// Whether no initial value has been drawn: the variables are known from shapes alone, if at all.
  var isUndrawn: Bool {
    variables.values.allSatisfy { !$0.isDrawn } && children.values.allSatisfy(\.scope.isUndrawn)
  }

  /// The key from which the initial value of variable `name` is drawn: the same on every rank and in any order.
  func initialKey(_ name: String) -> RandomKey {
    RandomKey(seed: seed, stream: StableHash.of(childPath(name).utf8))
  }

  /// The number of variables here and in all children.
  var variableCount: Int {
    children.values.reduce(variables.count + logs.count) { $0 + $1.scope.variableCount }
  }
}
