import Logging
import Tensors

private let logger = Logger(label: "apus.optimizers")

extension Model {
  /// Makes every variable, once, from the shapes of a batch; under several ranks gives all of them rank 0's values.
  ///
  /// - Throws: ``EngineError`` when the module does not fit the data, and on every rank when ranks hold different models.
  func build(_ dataset: Dataset, rows: Int) throws {
    // A model that could not be made (a loss that asks for an unknown name) is not trained either.
    if let error = ErrorScope.current?.error { throw error }
    let mustShare = communicator.size > 1 && !isShared
    guard !isBuilt || mustShare || !builtModules.elementsEqual(module.scopes, by: ===) else {
      return
    }
    steps.removeAll()
    let isFirst = !isBuilt
    let made = Result { try makeVariables(dataset, rows: rows) }
    try synchronizeStart(made)
    // A vote of one rank alone does not count.
    if mustShare, isBuilt { usesBFloat16 = nil }
    try choosePrecision()
    isShared = communicator.size > 1
    layOutParameters()
    isBuilt = true
    builtModules = module.scopes
    if isFirst { try applyLoadedState() }
  }

  /// Runs the module on shapes alone, so that it makes its variables. Where steps run eagerly it may ask for values: then on the
  /// first samples, which changes nothing.
  private func makeVariables(_ dataset: Dataset, rows: Int) throws {
    let body = { (tensors: [Tensor]) in
      let batch = try dataset.batch(tensors)
      return try self.forward(batch, isTraining: true).output.tensors
    }
    do {
      _ = try Trace.record(dataset.specs(rows: max(rows, 1)), body)
    } catch {
      guard runEagerly, dataset.count > 0 else { throw error }
      let first = Array(0..<Int64(min(max(rows, 1), dataset.count)))
      let tensors = first.withUnsafeBufferPointer { dataset.gather(rows: $0) }
      _ = try withErrors { try VariableOverlay([], writes: .allInside)({ try body(tensors) }) }
    }
  }

  /// Checks that all ranks hold the same model, then broadcasts every variable from rank 0 in one message.
  ///
  /// - Parameter made: whether the module could make its variables.
  /// - Throws: the error of `made`, or ``EngineError`` that says where ranks differ.
  private func synchronizeStart(_ made: Result<Void, any Error>) throws {
    let named = module.namedVariables
    try agreed(made, on: "the model", noting: KernelSet.description) {
      moduleLines
        + named.map {
          "\($0.path): \($0.variable.kind.rawValue) \($0.variable.spec)"
            + ($0.variable.trainable ? "" : " not trained")
        }
        + metrics.map { "metric \($0.name())" } + losses.map { "loss \($0.name(part: nil))" }
    } differing: {
      noteKernels($0)
    }
    guard communicator.size > 1 else { return }
    try broadcast(named.map(\.variable))
  }

  /// Finds out whether products in bfloat16 are known to be faster: on all ranks, or all stay with float32.
  private func choosePrecision() throws {
    guard precision == .mixedBFloat16, usesBFloat16 == nil else { return }
    let own = Result { try BFloat16.isUsed() }
    // A rank that cannot say keeps nobody waiting.
    var vote: Int32 = (try? own.get()).map { $0 ? 1 : 0 } ?? -1
    try communicator.named("the precision") {
      try communicator.allReduce(&vote, count: 1, dtype: .int32, operation: .min)
    }
    _ = try own.get()
    guard vote >= 0 else {
      throw EngineError.invalidArgument(
        message: "\(BFloat16.variable) has a wrong value on another rank")
    }
    usesBFloat16 = vote == 1
  }

  /// Gives every rank the values of rank 0.
  func broadcast(_ variables: [Variable]) throws {
    guard communicator.size > 1 else { return }
    let bytes = variables.reduce(0) { $0 + $1.spec.byteCount }
    let buffer = Storage(byteCount: bytes)
    var position = buffer.pointer
    for variable in variables {
      variable.stored.withUnsafeBytes { source in
        if let start = source.baseAddress {
          position.copyMemory(from: start, byteCount: source.count)
        }
      }
      position += variable.spec.byteCount
    }
    try communicator.named("the variables of rank 0") {
      try communicator.broadcast(buffer.pointer, count: bytes, dtype: .uint8, root: 0)
    }
    position = buffer.pointer
    for variable in variables {
      let size = variable.spec.byteCount
      // A copy: the buffer is not the variable's own memory.
      variable.store(
        Tensor(shape: variable.shape, dtype: variable.dtype) {
          $0.copyMemory(from: position, byteCount: size)
        })
      position += size
    }
  }

  /// Puts parameters and what the optimizer remembers of them side by side, in the order of the gradients, so that an
  /// update is one sweep over memory.
  private func layOutParameters() {
    guard let optimizer else { return }
    let parameters = orderedParameters
    optimizer.build(parameters)
    makeGradientErrors(of: parameters)
    if !isBuilt, isChief {
      let all = module.namedVariables.map(\.variable).filter { $0.kind == .parameter }
      for text in optimizer.warnings(ofPatternsAmong: all) { logger.warning("\(text)") }
    }
    layOut(parameters)
    layOut(optimizer.variables.filter { $0.shape.elementCount > 1 })
  }

  private func layOut(_ variables: [Variable]) {
    let movable = variables.filter { !$0.isPinned }
    let block = Storage(byteCount: movable.reduce(0) { $0 + Storage.aligned($1.spec.byteCount) })
    var offset = 0
    for variable in movable {
      let bytes = variable.spec.byteCount
      variable.move(to: Storage(block.pointer + offset, byteCount: bytes, owner: block))
      offset += Storage.aligned(bytes)
    }
  }
}
