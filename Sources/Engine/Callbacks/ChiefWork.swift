import Tensors

extension Callback {
  /// Runs `body`, which writes files, on rank 0; its error is thrown on every rank, so that all of them end.
  ///
  /// Collective: every rank calls it, with one small message. Without other ranks it is `body`.
  ///
  /// - Throws: what `body` throws on rank 0; on the others an error with the same text, which names rank 0.
  package func asChief(_ body: () throws -> Void) throws {
    try shareOutcome(Result { if isChief { try body() } })
  }

  /// Throws on every rank what has failed on rank 0. Collective.
  package func shareOutcome(_ outcome: Result<Void, any Error>) throws {
    guard let communicator = model?.communicator, communicator.size > 1 else {
      return try outcome.get()
    }
    var failed: Int32 = 0
    var own = ""
    if case .failure(let error) = outcome { (failed, own) = (1, "\(error)") }
    try communicator.named("the files of \(type(of: self))") {
      try withUnsafeMutablePointer(to: &failed) {
        try communicator.broadcast($0, count: 1, dtype: .int32, root: 0)
      }
      guard failed != 0 else { return }
      let text = try communicator.broadcast(text: own)
      _ = try outcome.get()
      throw EngineError(.distribution, .failedElsewhere(ranks: [0], text: text))
    }
  }

  /// Throws unless `isGood`: an argument of this callback is not as it must be.
  package func require(
    _ isGood: Bool, _ name: String, _ must: String, found: some CustomStringConvertible
  ) throws(EngineError) {
    if isGood { return }
    throw .invalidArgument(
      message: "\(type(of: self)): \(name) is \(found), it must be \(must)")
  }
}
