import OrderedCollections
import Tensors

/// What is going on while a module's `call` runs.
final class CallFrame: CallPlace {
  let scope: Scope
  let context: ModuleContext
  /// Whether training goes on here: it does around, and this module was not set to inference.
  let isTraining: Bool
  /// Modules made in this call that are no hooks yet.
  var pending: [AnyModule] = []
  /// The number of hooks that this call has made.
  var taken = 0
  private var names: [String: Int]

  static var current: CallFrame? { CurrentCall.place as? CallFrame }

  init(_ scope: Scope, _ context: ModuleContext) {
    self.scope = scope
    self.context = context
    isTraining =
      scope === context.root
      ? context.isTraining : (Self.current?.isTraining ?? context.isTraining) && scope.isTraining
    names = scope.reservedNames
  }

  var path: String { scope.path }

  func callAsFunction<R>(_ body: () throws -> R) rethrows -> R {
    try CurrentCall.with(self, body)
  }

  /// Runs `body` as if no module were being called.
  static func outside<R>(_ body: () throws -> R) rethrows -> R { try CurrentCall.with(nil, body) }

  /// Makes hooks of the modules made so far, in order.
  func resolvePending() {
    let modules = pending
    pending = []
    for module in modules { takeHook(module) }
  }

  private func takeHook(_ module: AnyModule) {
    let typeName = module.typeName
    let name = uniqueName(module.explicitName ?? module.nameOfType)
    defer { taken += 1 }
    guard taken < scope.hookRecords.count else {
      if scope.isFilled {
        fail(
          EngineError.hook(
            path: scope.path,
            message: "hook \(taken + 1) makes \(typeName) \"\(name)\", but earlier calls made "
              + "\(scope.hookRecords.count) modules only: make modules unconditionally, and use them "
              + "inside the condition"))
      }
      scope.hookRecords.append(Scope.HookRecord(module, name: name))
      module.adopt(under: scope, name: name)
      return
    }
    let known = scope.hookRecords[taken]
    if known.name != name || known.typeName != typeName || !known.hasArguments(of: module) {
      // Arguments matter where nothing else has changed.
      let isSameType = known.typeName == typeName
      let (before, now) = isSameType ? (known.configuration, module.configuration) : ("", "")
      fail(
        EngineError.hook(
          path: scope.path,
          message:
            "hook \(taken + 1) was \(known.typeName)\(before) \"\(known.name)\" "
            + "and is now \(typeName)\(now) \"\(name)\": modules must be made in the "
            + "same order with the same arguments at every call; make them unconditionally, and use "
            + "them inside the condition"))
    }
    module.adopt(under: scope, name: known.name)
  }

  /// A module that was made elsewhere and is called here belongs to this one as well: its parameters are trained.
  func adoptStranger(_ module: AnyModule) {
    guard !context.root.contains(module.scope),
      !scope.children.values.contains(where: { $0.scope === module.scope })
    else { return }
    module.adopt(under: scope, name: uniqueName(module.explicitName ?? module.nameOfType))
  }

  private func uniqueName(_ base: String) -> String {
    let count = names[base, default: 0]
    names[base] = count + 1
    return count == 0 ? base : "\(base)_\(count)"
  }

  /// Checks at the end of a call that it made as many modules as the first.
  func finish() {
    resolvePending()
    if scope.isFilled, taken < scope.hookRecords.count, ErrorScope.current?.error == nil {
      let missing = scope.hookRecords[taken]
      fail(
        EngineError.hook(
          path: scope.path,
          message: "this call made \(taken) modules, earlier ones made \(scope.hookRecords.count): "
            + "\(missing.typeName) \"\(missing.name)\" is missing; make modules unconditionally"))
    }
    // A first call that failed may not have come to all of its hooks.
    if ErrorScope.current?.error == nil { scope.isFilled = true }
  }
}

/// What holds for a whole call of an outermost module, and what its hooks collect.
package final class ModuleContext: NotesHooks {
  /// Whether training is going on.
  package let isTraining: Bool
  /// What hooks have noted so far.
  package var notes = HookNotes()
  let root: Scope

  static var current: ModuleContext? { CurrentNotes.keeper as? ModuleContext }

  init(root: Scope, isTraining: Bool) {
    self.root = root
    self.isTraining = isTraining
  }

  func callAsFunction<R>(_ body: () throws -> R) rethrows -> R {
    try CurrentNotes.with(self, body)
  }

  /// A fresh key: differs between calls and steps, see ``NoisePlace`` for ranks.
  func nextKey() -> Tensor {
    notes.keyCount += 1
    let count = Int64(notes.keyCount)
    func folded(_ number: Int64) -> Tensor {
      notes.keyOffset.map { foldKey(keyVariable.value, $0 + Tensor(number)) }
        ?? foldKey(keyVariable.value, number)
    }
    switch NoisePlace.current {
    case .unknown:
      let rank = Int64(DistributionContext.strategy.communicator.rank)
      return folded(rank << 32 | count)
    case .examples:
      return folded(count)
    case .share(let share):
      return concatenate([folded(count), share.place], axis: 0)
    }
  }

  /// Moves the random state on, once a call, if it was used.
  func finish() {
    guard notes.keyCount > 0 else { return }
    keyVariable.value = keyVariable.value + Tensor([Int64(0), 1])
  }

  private var keyVariable: Variable { Self.keyVariable(of: root) }

  static let keyName = "random_key"

  /// The state of an outermost module's random keys, made when it is first needed.
  static func keyVariable(of root: Scope) -> Variable {
    if let known = root.variables[keyName] { return known }
    let key = RandomKey(seed: root.seed, stream: 0)
    let fresh = Variable(
      path: root.childPath(keyName), kind: .randomKey, initial: key.tensor, combine: .first,
      trainable: false)
    root.keep(fresh, as: keyName)
    return fresh
  }
}
