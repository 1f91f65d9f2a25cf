import OrderedCollections
import Tensors

extension AnyModule {
  /// A parameter: made at the first call with a shape that can depend on the input, found again later.
  ///
  /// - Parameters:
  ///   - name: unique within this module.
  ///   - shape: must be the same at every call.
  ///   - initializer: gives the initial value; drawn from a key that depends on the seed and the variable's path only.
  ///   - constraint: what every update by an optimizer is followed by.
  ///   - trainable: false for state that `updateParameter` changes.
  ///   - dtype: its scalar type.
  /// - Returns: the current value.
  public func parameter(
    _ name: String, shape: Shape, initializer: some Initializer = GlorotUniform(),
    constraint: (any Constraint)? = nil, trainable: Bool = true, dtype: DType = .float32
  ) -> Tensor {
    find(name, TensorSpec(shape, dtype)) {
      if trainable, scope.isFilled {
        fail(
          EngineError.hook(
            path: scope.path,
            message: "parameter \"\(name)\" is asked for now, but earlier calls made "
              + "\(Array(scope.variables.keys)) only: ask for parameters unconditionally, and use them "
              + "inside the condition"))
      }
      let scope = scope
      let variable = Variable(
        path: scope.childPath(name), kind: trainable ? .parameter : .state,
        spec: TensorSpec(shape, dtype), combine: .first, constraint: constraint,
        trainable: trainable && !scope.isFrozen
      ) { [weak scope] in
        let key = scope?.initialKey(name) ?? RandomKey(seed: ModuleSeeds.current.next())
        return initializer(shape, dtype: dtype, key: key)
      }
      // A layer of a graph gets its path and its seed later, and its initial value is drawn from both.
      if !SymbolicCall.isRunning { variable.drawInitial() }
      return variable
    }.value
  }

  /// A variable of any kind: made at the first call, found again later.
  ///
  /// - Parameters:
  ///   - name: unique within this module.
  ///   - kind: what it is for, which says whether it is saved and who changes it.
  ///   - shape: must be the same at every call.
  ///   - dtype: its scalar type.
  ///   - combine: how copies on several ranks become one value.
  ///   - initial: the initial value of every element.
  /// - Returns: the variable, the same one at every call.
  public func variable(
    _ name: String, kind: VariableKind, shape: Shape = [], dtype: DType = .float32,
    combine: Combine = .sum, initial: Double = 0
  ) -> Variable {
    find(name, TensorSpec(shape, dtype)) {
      Variable(
        path: scope.childPath(name), kind: kind, initial: .full(shape, initial, dtype: dtype),
        combine: combine, trainable: kind == .parameter)
    }
  }

  /// Gives a parameter or other variable of this module a new value.
  public func updateParameter(_ name: String, to value: Tensor) {
    guard let variable = scope.variables[name] else {
      fail(
        EngineError.hook(
          path: scope.path,
          message: "updateParameter(\"\(name)\") before parameter(\"\(name)\", ...): there are "
            + "\(Array(scope.variables.keys))", hint: advice))
      return
    }
    variable.value = value
  }

  /// Adds `value` (summed over its elements) to the loss, logged as `name_loss`; equal names add up, whichever modules
  /// they come from.
  ///
  /// Under several ranks it counts as a mean over the samples of a rank; `batchMean` and ``crossRankSum(_:)`` give other means, and
  /// sums, of the whole batch. The last value is a variable of kind ``VariableKind/lossLog`` of this module as well.
  public func addLoss(_ name: String, _ value: Tensor) {
    guard let context = ModuleContext.current else { return }
    let name = name.hasSuffix("loss") ? name : name + "_loss"
    let total = value.rank == 0 ? value : sum(value)
    context.notes.losses.append((name, total))
    log(name, .lossLog, total, context)
  }

  /// Logs `value` (averaged over its elements, and over the batches of an epoch) under this module's path.
  ///
  /// The last value is a variable of kind ``VariableKind/metricLog`` of this module as well.
  public func addMetric(_ name: String, _ value: Tensor) {
    guard let context = ModuleContext.current else { return }
    let mean = value.rank == 0 ? value : mean(value)
    context.notes.metrics.append((scope.childPath(name), mean))
    log(name, .metricLog, mean, context)
  }

  /// Notes a tensor under this module's path: ``collecting(isTraining:_:)`` gives it whole, `fit` logs a number as it is
  /// and of a larger tensor `name/mean` and `name/std`.
  public func addSummary(_ name: String, _ value: Tensor) {
    ModuleContext.current?.notes.summaries.append((scope.childPath(name), value))
  }

  /// Announces which steps of this module's output count; nil for all.
  ///
  /// What was announced last in a call of the outermost module holds for its output: losses and metrics of single
  /// steps leave the others out. Masks reach layers as arguments only, or in a ``Sequential`` from layer to layer.
  ///
  /// - Parameter mask: bool `[batch, time]`, true where a step counts.
  public func setMask(_ mask: Tensor?) { ModuleContext.current?.notes.outputMask = mask }

  /// Runs `body`, which calls this module, and gives what `addLoss`, `addMetric` and `addSummary` noted meanwhile: for
  /// training loops of your own.
  ///
  /// ```swift
  /// let (prediction, logs) = mlp.collecting { mlp(x) }
  /// let loss = mean(square(y - prediction)) + logs.loss
  /// ```
  ///
  /// - Parameters:
  ///   - isTraining: whether the call is one of training; nil for what ``train()`` or ``eval()`` set last.
  ///   - body: calls the module.
  /// - Returns: what `body` gives, and what was noted.
  public func collecting<R>(
    isTraining: Bool? = nil, _ body: () throws -> R
  ) rethrows -> (result: R, logs: ModuleLogs) {
    let (result, context) = try run(isTraining: isTraining ?? scope.isTraining, body)
    return (
      result,
      ModuleLogs(
        losses: context.notes.losses, metrics: context.notes.metrics,
        summaries: context.notes.summaries)
    )
  }

  private func log(
    _ name: String, _ kind: VariableKind, _ value: Tensor, _ context: ModuleContext
  ) {
    let key = "\(kind.rawValue) \(name)"
    let known = scope.logs[key]
    let variable =
      known
      ?? Variable(
        path: scope.childPath(name), kind: kind, initial: .zeros([], dtype: value.dtype),
        combine: .mean, trainable: false)
    if known == nil { scope.logs[key] = variable }
    let isFirst = context.notes.logged.insert(ObjectIdentifier(variable)).inserted
    let value = stopGradient(value)
    variable.value = isFirst ? value : variable.value + value
  }

  /// A fresh random key (int64 `[2]`), different at every use and call.
  ///
  /// Under several ranks, in `fit` and the other methods of ``Model``, it is the same on all ranks, and an int64 `[4]`: it
  /// says as well which rows of the batch this rank has. Tensors whose first axis is as long as that share get the numbers
  /// of those rows, so that N ranks draw what one process draws; all others get equal numbers on all ranks. In a call
  /// outside of a `Model` nothing is known of a batch, and each rank gets a key of its own.
  public func nextKey() -> Tensor {
    guard let context = ModuleContext.current else {
      return fail(
        EngineError.hook(path: scope.path, message: "nextKey() outside of a module's call"))
    }
    return context.nextKey()
  }

  private func find(_ name: String, _ spec: TensorSpec, make: () -> Variable) -> Variable {
    guard let known = scope.variables[name] else {
      // Initial values are numbers, whatever is being traced around.
      let fresh = make()
      scope.keep(fresh, as: name)
      return fresh
    }
    if known.spec != spec {
      fail(
        EngineError.hook(
          path: scope.path,
          message:
            "variable \"\(name)\" was made as \(known.spec) and is now asked for as \(spec): "
            + (known.kind == .metricState
              ? "a state keeps its shape from batch to batch"
              : "the module is used on inputs of different shapes")))
    }
    return known
  }
}
