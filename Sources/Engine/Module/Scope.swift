import OrderedCollections

/// What a module owns: its variables, its child modules and the order in which hooks made them.
///
/// Modules made inside `call` are new objects every time; their scope is the same one every time.
final class Scope {
  /// Where it is from the outermost module; empty for the outermost.
  let path: String
  let typeName: String
  /// The seed of the outermost module's initial values.
  var seed: UInt64
  private(set) weak var parent: Scope?
  var variables = OrderedDictionary<String, Variable>()
  /// Child modules by name: properties first, then those made in `call`, in order.
  var children = OrderedDictionary<String, AnyModule>()
  /// The hooks of `call` in order, as the first call made them.
  var slots: [Slot] = []
  var isFilled = false
  var isTraining = true
  /// Whether its `call` runs now.
  var isBusy = false

  struct Slot {
    let name: String
    let typeName: String
    let configuration: String
  }

  init(path: String, typeName: String, parent: Scope?, seed: UInt64) {
    self.path = path
    self.typeName = typeName
    self.parent = parent
    self.seed = seed
  }

  func childPath(_ name: String) -> String { path.isEmpty ? name : path + "/" + name }

  /// The key from which the initial value of variable `name` is drawn: the same on every rank and in any order.
  func initialKey(_ name: String) -> RandomKey {
    RandomKey(seed: seed, stream: RandomKey.hash(childPath(name)))
  }
}
