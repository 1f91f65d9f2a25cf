import OrderedCollections
import Tensors

extension AnyModule {
  /// The values of all variables in the module's shape, or of those of some kinds.
  public func filter(_ kinds: VariableKind...) -> ModuleTree {
    filter { kinds.isEmpty || kinds.contains($1.kind) }
  }

  /// The values of the variables for which `isWanted` holds.
  public func filter(
    _ isWanted: (_ path: String, _ variable: Variable) throws -> Bool
  ) rethrows -> ModuleTree {
    var leaves = ModuleTree().leaves
    for (path, variable) in namedVariables where try isWanted(path, variable) {
      leaves[path] = ModuleTree.Leaf(value: variable.value, kind: variable.kind)
    }
    return ModuleTree(leaves)
  }

  /// The values of the parameters.
  ///
  /// Before the first call there are none yet, and asking fails as ``withErrors(_:)`` describes.
  ///
  /// - Parameter trainable: true for those that are trained only, false for the frozen ones only, nil for all.
  /// - Returns: the values by path, in the order of the module.
  public func parameters(trainable: Bool? = nil) -> ModuleTree {
    if !isInitialized {
      fail(
        EngineError.hook(
          path: scope.path,
          message: "\(typeName) has no parameters before the first call: call it, or initialize(_:)"
        ))
    }
    return filter { $1.kind == .parameter && (trainable ?? $1.trainable) == $1.trainable }
  }

  /// Gives parameters new values. See ``merge(_:)``.
  public func setParameters(_ values: ModuleTree) { merge(values) }

  /// Gives variables the values of `tree`, matched by path; those that `tree` does not have keep theirs.
  ///
  /// A path that the module does not have, and a value of another shape, fail as ``withErrors(_:)`` describes; then
  /// nothing has been changed.
  public func merge(_ tree: ModuleTree) {
    do {
      for (variable, value) in try assignments(tree) { variable.value = value }
    } catch {
      fail(error)
    }
  }

  /// Runs `body`, in which variables have the values of `tree`; afterwards they have their own again.
  ///
  /// What `body` writes to a variable of `tree`, such as new moving statistics, is seen inside and gone afterwards: to have
  /// it, let `body` return `filter(.batchStatistic)`. Variables that `tree` does not have are the module's own, inside too.
  ///
  /// With it a module is a function of its parameters, for any transform:
  ///
  /// ```swift
  /// let gradient = try grad { (p: ModuleTree) in mlp.with(p) { mean(square(mlp(x) - y)) } }(mlp.parameters())
  /// ```
  public func with<R>(_ tree: ModuleTree, _ body: () throws -> R) rethrows -> R {
    var values: [(Variable, Tensor)] = []
    do {
      values = try assignments(tree)
    } catch {
      fail(error)
    }
    return try VariableOverlay(values, writes: .inside)(body)
  }

  /// A module with the values, random state and modes of this one, in variables of its own.
  ///
  /// - Parameter make: makes a module like this one, such as `{ MLP() }`: Swift cannot copy an object of a class.
  /// - Returns: what `make` has made, with the values.
  public func copy<M: AnyModule>(_ make: () throws -> M) rethrows -> M {
    let copy = try CallFrame.outside(make)
    copy.seed = seed
    var heritage = Scope.Heritage()
    for (path, variable) in namedVariables {
      heritage.variables[path] = (variable.value, variable.trainable)
    }
    visit { prefix, module in
      heritage.modes[String(prefix.dropLast())] = (module.scope.isTraining, module.scope.isFrozen)
    }
    copy.scope.heritage = heritage
    copy.visit { _, module in module.scope.inheritModes() }
    // A graph of layers has variables from the start.
    for (path, variable) in copy.namedVariables {
      guard let original = heritage.variables[path], original.value.shape == variable.shape else {
        continue
      }
      variable.value = original.value
      variable.trainable = original.isTrainable
    }
    return copy
  }

  /// The variables that the leaves of `tree` belong to.
  func assignments(_ tree: ModuleTree) throws -> [(Variable, Tensor)] {
    let variables = variablesByPath
    return try tree.leaves.map { path, leaf in
      guard let variable = variables[path] else {
        throw unknown(path, "variable", Array(variables.keys), hint: advice)
      }
      guard variable.shape == leaf.value.shape else {
        throw EngineError.shape(
          operation: "variable \(path)",
          message: "a value of shape \(leaf.value.shape) does not fit its shape "
            + "\(variable.shape)")
      }
      return (variable, leaf.value)
    }
  }

  /// All variables by path, in order.
  var variablesByPath: OrderedDictionary<String, Variable> {
    OrderedDictionary(namedVariables.map { ($0.path, $0.variable) }) { first, _ in first }
  }
}
