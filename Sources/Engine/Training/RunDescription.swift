import Logging
import Tensors

private let logger = Logger(label: "apus.ranks")

/// What the numbers of a run depend on, in lines that all ranks must hold alike.
///
/// What a model computes with is taken from its modules, losses, metrics and optimizer as they are (``SettingLines``).
extension Model {
  /// The model, without its modules.
  private var settingLines: [String] {
    var lines = [
      "precision: \(precision.rawValue)", "seed: \(seed)", "runEagerly: \(runEagerly)",
      "nonFinite: \(nonFinite.rawValue)",
      "driftInterval: \(driftInterval)", "requiresSameBits: \(requiresSameBits)",
      "lossScaling: \(strategy.lossScaling.rawValue)",
      "gradients are added by \(strategy.gradientReduction ?? BucketedAllReduce())",
    ]
    if requiresSameBits {
      lines += ["kernels: \(KernelSet.description)", "threads: \(ComputeThreads.count)"]
    }
    for entry in losses {
      lines += SettingLines.lines(of: entry.loss, path: "loss \(entry.name(part: nil))")
    }
    for entry in metrics + weightedMetrics {
      let name = "metric \(entry.name())"
      lines.append("\(name): \(entry.metric.typeName)")
      lines += SettingLines.lines(ofModule: entry.metric, path: name)
    }
    if let optimizer {
      lines += SettingLines.lines(of: optimizer, path: "optimizer")
      lines.append("optimizer.learningRate: \(optimizer.learningRate)")
    } else {
      lines.append("optimizer: none")
    }
    return lines
  }

  /// The modules, once they have been called: layers that a `call` makes are there from then on.
  var moduleLines: [String] {
    module.modules.flatMap { module in
      let name = module.scope.path.isEmpty ? "the module" : module.scope.path
      let mode = module.isTraining ? "" : ", at inference"
      return ["\(name): \(module.typeName)\(mode)"]
        + SettingLines.lines(ofModule: module, path: name)
    }
  }

  var classWeightLines: [String] {
    let weights = classWeight.map { weights in
      weights.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    }
    return ["classWeight: \(weights ?? "none")"]
  }

  /// Makes sure that ranks call `call` with the same arguments on the same model.
  ///
  /// Collective: one small message when they do. A rank that failed makes all fail.
  func agreeOnRun<R>(
    _ call: String, _ outcome: Result<R, any Error>, _ arguments: (R) -> [String]
  ) throws -> R {
    guard communicator.size > 1 else { return try outcome.get() }
    return try agreed(outcome, on: "the call of \(call)") { value in
      // Before that a rank may have called the module by itself.
      arguments(value) + settingLines + (isShared ? moduleLines : [])
        + (isShared && !hasSeveralKernelSets ? weightLines : [])
    }
  }

  /// Parameters and what the optimizer remembers, with their values.
  private var weightLines: [String] {
    comparedVariables.map { path, variable in
      "\(path): \(variable.spec)\(variable.trainable ? "" : " not trained") with the hash "
        + String(variable.stored.valueHash, radix: 16)
    }
  }

  /// What every rank must hold alike at every step. Running statistics of shares differ within an epoch.
  private var comparedVariables: [(path: String, variable: Variable)] {
    module.namedVariables.filter { $0.variable.kind == .parameter }
      + (optimizer?.variables ?? []).map { ($0.path, $0) }
  }

  /// Makes sure that ranks hold the same parameters and the same state of the optimizer: the same error on every rank names the first
  /// that differs. `fit` does so after every ``driftInterval`` steps, and ``ModelCheckpoint`` before it saves.
  ///
  /// Collective: every rank must call it; one small message when they do.
  ///
  /// - Throws: ``EngineError`` where ranks differ. Ranks that compute with different kernels are not compared.
  public func compareWeights() throws {
    guard communicator.size > 1, !hasSeveralKernelSets else { return }
    try agree(on: weightLines, subject: "the weights", communicator: communicator)
  }

  /// Makes sure that ranks still hold the same weights, after every ``driftInterval`` steps.
  ///
  /// Collective: one small message when they do.
  func checkDrift(after step: Int) throws {
    guard driftInterval > 0, (step + 1) % driftInterval == 0 else { return }
    try compareWeights()
  }

  /// Notes once that ranks compute with different kernels, those of all ranks: their weights may differ in the last bits.
  func noteKernels(_ kernels: [String]) {
    guard !hasSeveralKernelSets else { return }
    hasSeveralKernelSets = true
    guard isChief else { return }
    let texts = kernels.enumerated().map { "rank \($0.offset): \($0.element)" }.joined(
      separator: "; ")
    logger.notice(
      "ranks compute with different kernels, so that weights may differ in their last bits: \(texts). Weights are not compared while training; with requiresSameBits this is an error"
    )
  }
}
