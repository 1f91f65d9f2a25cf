extension Model {
  /// Writes the module's variables as a safetensors file, whole or not at all. Every rank must call it; rank 0 writes.
  ///
  /// - Throws: ``EngineError/file(path:message:)`` when the file cannot be written, and when the model has no weights yet.
  public func saveWeights(to path: String) throws {
    guard isBuilt else {
      throw EngineError.model(message: "there are no weights to save before the first batch")
    }
    try synchronizeStatistics()
    guard isChief else { return }
    try SafeTensors.write(
      savedVariables.map { ($0.path, $0.variable.stored) }, metadata: ["format": "apus"], to: path)
  }

  /// Reads weights that ``saveWeights(to:)`` wrote. The model must have seen a batch, so that its variables exist
  /// (`predictOnBatch` on one sample is enough).
  ///
  /// - Throws: ``EngineError`` that names the first variable that is missing, unknown or of another shape; then nothing
  ///   has been changed.
  public func loadWeights(from path: String) throws {
    guard isBuilt else {
      throw EngineError.model(
        message: "weights are loaded into variables, and there are none before the first batch: "
          + "call predictOnBatch on one sample first")
    }
    let (tensors, _) = try SafeTensors.read(path)
    let named = savedVariables
    for (name, variable) in named {
      guard let tensor = tensors[name] else {
        throw EngineError.file(
          path: path,
          message: "there is no tensor \"\(name)\": the file has \(Array(tensors.keys))")
      }
      guard tensor.shape == variable.shape else {
        throw EngineError.file(
          path: path,
          message:
            "\"\(name)\" has shape \(tensor.shape), the model's variable has \(variable.shape)"
        )
      }
    }
    let known = Set(named.map(\.path))
    if let extra = tensors.keys.first(where: { !known.contains($0) }) {
      throw EngineError.file(
        path: path, message: "\"\(extra)\" is not a variable of the model: it has \(known.sorted())"
      )
    }
    for (name, variable) in named {
      if let tensor = tensors[name] { variable.store(tensor.cast(to: variable.dtype)) }
    }
  }

  /// SHA-256 over names, types, shapes and values of the module's variables: equal for equal models.
  public var weightsSHA256: String {
    Engine.weightsSHA256(of: savedVariables.map { ($0.path, $0.variable.stored) })
  }

  /// What a checkpoint holds: everything but random keys, which differ from rank to rank.
  private var savedVariables: [(path: String, variable: Variable)] {
    module.namedVariables.filter { $0.variable.kind != .randomKey }
  }

  /// The values of all variables of the module.
  public func weightsSnapshot() throws -> WeightsSnapshot {
    WeightsSnapshot(tensors: module.variables.map(\.stored))
  }

  /// Goes back to values that ``weightsSnapshot()`` gave.
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
