import Logging
import Tensors

private let logger = Logger(label: "apus.ranks")

/// What the numbers of a run depend on, in lines that all ranks must hold alike.
///
/// What a model computes with is taken from its modules, losses, metrics and optimizer as they are (``SettingLines``).
extension Model {
  /// The model, without its modules.
  var settingLines: [String] {
    var lines = [
      "precision: \(precision.rawValue)", "seed: \(seed)", "runEagerly: \(runEagerly)",
      "nonFinite: \(nonFinite.rawValue)",
      "driftInterval: \(driftInterval)", "requiresSameBits: \(requiresSameBits)",
      "lossScaling: \(strategy.lossScaling.rawValue)",
    ]
    let reduction = strategy.gradientReduction ?? BucketedAllReduce()
    lines.append("gradients are added by \(type(of: reduction))")
    lines += SettingLines.lines(of: reduction, path: "gradients")
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

  /// Settings, modules and weights.
  fileprivate var comparedLines: [String] {
    // Before that a rank may have called the module by itself.
    settingLines + (isShared ? moduleLines + weightLines : [])
  }

  /// Parameters and what the optimizer remembers; with their values, unless different kernels may round them differently.
  private var weightLines: [String] {
    comparedVariables.map { path, variable in
      let hash =
        hasSeveralKernelSets
        ? "" : " with the hash \(String(variable.stored.valueHash, radix: 16))"
      return "\(path): \(variable.spec)\(variable.trainable ? "" : " not trained")\(hash)"
    }
  }

  /// What every rank must hold alike at every step. Running statistics of shares differ within an epoch.
  private var comparedVariables: [(path: String, variable: Variable)] {
    module.namedVariables.filter { $0.variable.kind == .parameter }
      + (optimizer?.variables ?? []).filter { $0.combine == .first }.map { ($0.path, $0) }
  }

  /// Makes sure that ranks hold the same parameters and the same state of the optimizer: the same error on every rank names the first
  /// that differs. `fit` does so after every ``driftInterval`` steps and at its end, and ``ModelCheckpoint`` before it saves.
  ///
  /// Collective: every rank must call it; one small message when they do.
  ///
  /// - Throws: ``EngineError`` where ranks differ. Ranks that compute with different kernels are not compared.
  public func compareWeights() throws {
    guard communicator.size > 1, !hasSeveralKernelSets else { return }
    try agree(on: weightLines, subject: "the weights", communicator: communicator)
  }

  /// Makes sure that ranks hold the same settings, modules and weights.
  ///
  /// Collective: one small message when they do.
  func compareModel(_ subject: String) throws {
    try agree(on: comparedLines, subject: subject, communicator: communicator)
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

extension Run {
  /// Makes sure that all ranks make this call with the same arguments on the same model.
  ///
  /// Collective: one small message when they have. A rank that failed makes all fail.
  ///
  /// - Parameters:
  ///   - given: the arguments, or why they cannot be worked with.
  ///   - comparesModel: whether settings and weights are compared too, which takes a look at each of them.
  ///   - arguments: what the call was given, in lines.
  /// - Returns: what `given` holds.
  /// - Throws: the error of `given`, or ``EngineError`` that says where ranks differ.
  func agreed<R>(
    _ given: Result<R, any Error>, comparesModel: Bool = true, _ arguments: (R) -> [String]
  ) throws -> R {
    try model.agreed(given, on: "the call of \(name)") { value in
      arguments(value) + (comparesModel ? model.comparedLines : [])
    }
  }
}
