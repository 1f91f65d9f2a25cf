import Foundation
import Tensors

extension Model {
  /// Writes the module's variables as a safetensors file, whole or not at all. Under several ranks rank 0 writes; the others
  /// may call it, and need not.
  ///
  /// Running statistics are those of rank 0. After `fit`, after an epoch and after `trainOnBatch` they are the same on every
  /// rank; between the steps of an epoch, call ``synchronizeStatistics()`` on every rank first.
  ///
  /// - Throws: ``EngineError/file(path:message:)`` when the file cannot be written, and when the model has no weights yet.
  public func saveWeights(to path: String) throws {
    guard isBuilt || module.hasAllVariables else {
      throw EngineError.model(message: "there are no weights to save before the first batch")
    }
    guard isChief else { return }
    try module.saveWeights(to: path)
  }

  /// Reads weights that ``saveWeights(to:)`` wrote, or those of another framework under other names.
  ///
  /// The variables must exist: the model has seen a batch, or the module was initialised
  /// (``Callable/initialize(_:)``). See ``AnyModule/loadWeights(from:map:isStrict:)``.
  ///
  /// Collective: every rank calls it. Rank 0 reads the file, which may be on its disk alone or just have been written, and all
  /// others get what it has read.
  ///
  /// - Throws: on every rank, when rank 0 cannot read the file or it does not fit.
  @discardableResult
  public func loadWeights(
    from path: String, map: WeightMap = .identity, isStrict: Bool = true
  ) throws -> TransferReport {
    let outcome = Result {
      try communicator.rank == 0
        ? module.loadWeights(from: path, map: map, isStrict: isStrict) : TransferReport()
    }
    guard communicator.size > 1 else { return try outcome.get() }
    let variables = module.savedVariables
    let own = try agreed(outcome, on: "loadWeights") { _ in
      variables.map { "\($0.path): \($0.variable.spec)" }
    }
    try broadcast(variables.map(\.variable))
    let text = String(decoding: try JSONEncoder().encode(own), as: UTF8.self)
    return try JSONDecoder().decode(
      TransferReport.self, from: Data(try communicator.broadcast(text: text).utf8))
  }

  /// SHA-256 over names, types, shapes and values of the module's variables: equal for equal models.
  public var weightsSHA256: String {
    Engine.weightsSHA256(of: module.savedVariables.map { ($0.path, $0.variable.stored) })
  }

  /// The values of all variables of the module. Never throws, though ``TrainingControl`` allows it.
  public func weightsSnapshot() throws -> WeightsSnapshot {
    WeightsSnapshot(tensors: module.variables.map(\.stored))
  }

  /// Goes back to values that ``weightsSnapshot()`` gave. Throws ``EngineError/model(message:)`` when the module has another
  /// number of variables by now.
  public func restore(_ snapshot: WeightsSnapshot) throws {
    let variables = module.variables
    guard snapshot.tensors.count == variables.count else {
      throw EngineError.model(
        message: "a snapshot of \(snapshot.tensors.count) variables does not fit a model of "
          + "\(variables.count)")
    }
    for (variable, value) in zip(variables, snapshot.tensors) { variable.store(value) }
  }
}
