import OrderedCollections
import Tensors

extension Model {
  /// The variables of the training as they stand, by the names that they have in a state.
  var stateVariables: StateVariables {
    var all = StateVariables()
    all.weights = module.savedVariables.map { ($0.path, $0.variable) }
    for (path, variable) in module.namedVariables {
      let named = (StateVariables.modulePrefix + path, variable)
      if variable.kind == .parameter { all.common.append(named) } else { all.own.append(named) }
    }
    for variable in optimizer?.variables ?? [] {
      let named = (StateVariables.optimizerPrefix + variable.path, variable)
      if variable.combine == .first { all.common.append(named) } else { all.own.append(named) }
    }
    for (key, metric) in keyedMetrics {
      for (name, variable, initial) in metric.namedStates {
        let path = "metric/\(key)/\(name)"
        all.own.append((path, variable))
        all.initial[path] = initial
      }
    }
    return all
  }

  /// Losses, logged values and metrics, each with a name of its own.
  private var keyedMetrics: [(key: String, metric: AnyMetric)] {
    trackers.map { ("loss \($0.key)", $0.value) }
      + ownMetrics.enumerated().map { ("\($0.offset)", $0.element) }
  }

  /// What this rank has a value of its own for besides variables: where its running statistics began.
  var ownStatistics: [(name: String, value: Tensor)] {
    var values = [
      (LoadedState.stepsWithRows, Tensor(Int64(statistics.stepsWithRows))),
      // Several ranks end a step after one of them has asked for it.
      (LoadedState.stopAsked, Tensor(Int64(stopTraining ? 1 : 0))),
    ]
    for (path, variable) in module.namedVariables {
      if let start = statistics.starts[ObjectIdentifier(variable)] {
        values.append((LoadedState.startPrefix + StateVariables.modulePrefix + path, start))
      }
    }
    return values
  }

  /// Everything about the training but tensors.
  func stateInfo(_ variables: StateVariables, run: [String]) -> TrainingStateInfo {
    var info = TrainingStateInfo()
    info.apus = ApusVersion.current
    info.kernels = KernelSet.description
    info.threads = ComputeThreads.count
    info.ranks = communicator.size
    info.steps = trainedSteps
    info.trainedEpochs = trainedEpochs
    info.skippedSteps = skippedSteps
    info.run = run
    info.modes = module.modes
    info.common = variables.described(variables.common)
    info.own =
      variables.described(variables.own)
      + ownStatistics.map { name, value in
        TrainingStateInfo.StoredVariable(
          name: name, shape: value.shape.dimensions, dtype: value.dtype.description,
          combine: Combine.first.text)
      }
    return info
  }

  // MARK: Going on from a state

  /// Runs code after which all variables, and which of them are trained, are as they were.
  func keepingVariables(_ body: () throws -> Void) throws {
    let before = variables.map { ($0, $0.stored, $0.trainable) }
    let modes = module.modules.map { ($0, $0.scope.isTraining) }
    try body()
    for (variable, value, isTrained) in before {
      variable.store(value)
      if variable.trainable != isTrained { variable.trainable = isTrained }
    }
    for (module, isTraining) in modes { module.scope.isTraining = isTraining }
  }

  /// Gives variables the values of a state; what metrics have counted waits for `fit` (``applyCounts(of:)``).
  ///
  /// - Throws: `EngineError.file`, the same on every rank, where the state does not fit the model; then nothing has been changed.
  func takeValues(of state: LoadedState) throws {
    let own = try state.ownValues(of: communicator.rank, size: communicator.size)
    try makeVariables(of: state)
    let variables = stateVariables
    var values: [(Variable, Tensor)] = []
    func take(
      _ stored: [TrainingStateInfo.StoredVariable], _ present: [StateVariables.Named],
      _ tensors: [String: Tensor]
    ) throws {
      let known = Dictionary(present.map { ($0.name, $0.variable) }) { first, _ in first }
      for described in stored where tensors[described.name] != nil {
        guard let variable = known[described.name] else {
          if described.isOptional || described.isGradientError
            || described.name.hasPrefix("metric/")
          {
            continue
          }
          throw misfit(state, "it has \(described.name), which the model has not")
        }
        guard variable.spec == described.tensorSpec, let value = tensors[described.name] else {
          throw misfit(
            state, "its \(described.name) is \(described.spec), that of the model \(variable.spec)")
        }
        if !described.name.hasPrefix("metric/") { values.append((variable, value)) }
      }
      let names = Set(stored.map(\.name))
      for (name, variable) in present
      where !names.contains(name) && !name.hasPrefix("metric/") && !variable.kind.isTransient
        && variable.kind != .randomKey
        && !TrainingStateInfo.StoredVariable.isGradientError(name)
      {
        throw misfit(state, "it has no \(name), which the model has")
      }
    }
    try take(state.info.common, variables.common, state.common)
    try take(state.info.own, variables.own, own)
    for (variable, value) in values { variable.store(value) }
    try setModes(state)
    trainedSteps = state.info.steps
    trainedEpochs = state.info.trainedEpochs
    skippedSteps = state.info.skippedSteps
  }

  /// Gives the module those values of a state that fit it: for what a program does with the model until the call of `fit` that the state belongs to.
  func takeWeights(of state: LoadedState) throws {
    let own = try state.ownValues(of: communicator.rank, size: communicator.size)
    for (path, variable) in module.namedVariables {
      let name = StateVariables.modulePrefix + path
      guard let value = state.common[name] ?? own[name], value.spec == variable.spec else {
        continue
      }
      variable.store(value)
    }
  }

  private func misfit(_ state: LoadedState, _ text: String) -> EngineError {
    .file(path: state.path, message: "the state does not fit the model: \(text)")
  }

  /// Makes what a fresh model makes later only: random keys, and what the optimizer remembers of parameters that are frozen by now.
  private func makeVariables(of state: LoadedState) throws {
    let names = Set((state.info.common + state.info.own).map(\.name))
    if names.contains(StateVariables.modulePrefix + ModuleContext.keyName) {
      _ = ModuleContext.keyVariable(of: module.scope)
    }
    guard let optimizer else { return }
    let remembered = module.namedVariables.map(\.variable).filter { variable in
      variable.kind == .parameter
        && optimizer.slots.contains {
          names.contains("\(StateVariables.optimizerPrefix)\($0.name)/\(variable.path)")
        }
    }
    let trained = orderedParameters
    optimizer.build(
      trained + remembered.filter { old in !trained.contains { $0 === old } })
    makeGradientErrors(of: trained)
  }

  private func setModes(_ state: LoadedState) throws {
    let parameters = module.variables(.parameter)
    let modules = module.modules
    let modes = state.info.modes
    guard modes.count == parameters.count + modules.count else {
      throw misfit(
        state,
        "it says of \(modes.count) parameters and modules whether they are trained, the model has "
          + "\(parameters.count + modules.count)")
    }
    for (parameter, mode) in zip(parameters, modes) where parameter.trainable != mode {
      parameter.trainable = mode
    }
    for (module, mode) in zip(modules, modes.dropFirst(parameters.count)) {
      module.scope.isTraining = mode
    }
  }

  /// Goes on with what losses, metrics and running statistics had counted in the middle of an epoch.
  func applyCounts(of state: LoadedState) throws {
    let own = try state.ownValues(of: communicator.rank, size: communicator.size)
    let values = Dictionary(module.namedVariables.map { ($0.path, $0.variable) }) { first, _ in
      first
    }
    statistics = RunningStatistics()
    statistics.stepsWithRows = own[LoadedState.stepsWithRows]?.item(as: Int.self) ?? 0
    if own[LoadedState.stopAsked]?.item(as: Int.self) ?? 0 > 0 { stopTraining = true }
    var starts: [ObjectIdentifier: Tensor] = [:]
    for described in state.info.own {
      guard let value = own[described.name] else { continue }
      let parts = described.name.split(separator: "/", maxSplits: 1).map(String.init)
      if parts.first == "metric" {
        try applyCount(described, value, state)
      } else if described.name.hasPrefix(LoadedState.startPrefix) {
        let path = described.name.dropFirst(
          LoadedState.startPrefix.count + StateVariables.modulePrefix.count)
        if let variable = values[String(path)] { starts[ObjectIdentifier(variable)] = value }
      }
    }
    statistics.begin(from: starts)
  }

  private func applyCount(
    _ described: TrainingStateInfo.StoredVariable, _ value: Tensor, _ state: LoadedState
  ) throws {
    // metric/KEY/NAME: the name of a loss may hold slashes, and that of a metric's state.
    let path = described.name.dropFirst("metric/".count)
    let lossPrefix = "loss "
    let isLoss = path.hasPrefix(lossPrefix)
    guard let cut = isLoss ? path.lastIndex(of: "/") : path.firstIndex(of: "/") else { return }
    let key = String(path[..<cut])
    let name = String(path[path.index(after: cut)...])
    if isLoss {
      let loss = String(key.dropFirst(lossPrefix.count))
      trackers[loss] = trackers[loss] ?? MeanTracker(name: loss)
    }
    guard let metric = keyedMetrics.first(where: { $0.key == key })?.metric,
      let combine = Combine(text: described.combine)
    else { throw misfit(state, "it has counts of the metric \(key), which the model has not") }
    let variable = metric.state(
      name, shape: value.shape, dtype: value.dtype, combine: combine,
      initial: described.initial?.value ?? 0)
    guard variable.spec == value.spec else {
      throw misfit(state, "its \(described.name) is \(value.spec), the metric's \(variable.spec)")
    }
    variable.store(value)
  }
}

extension VariableKind {
  /// Whether variables of this kind may come and go: what was logged last, and what saves work.
  var isTransient: Bool {
    switch self {
    case .lossLog, .metricLog, .summary, .cache: true
    case .parameter, .batchStatistic, .state, .metricState, .randomKey, .optimizerState: false
    }
  }
}

extension TrainingStateInfo.StoredVariable {
  /// Whether a model may be without it: not what training depends on.
  fileprivate var isOptional: Bool {
    kind.flatMap(VariableKind.init(rawValue:))?.isTransient ?? true
  }
}
