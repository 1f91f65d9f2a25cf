import Tensors

/// How ranks agree to end training in the middle of an epoch: the gradients of every step carry one number more, which adds up
/// who asks for it. All ranks see the same sum after the same step, and nothing more is sent.
final class StopVote {
  /// 1 when this rank asks for the end.
  let own = StopVote.variable("own")
  /// How many ranks asked in the last step.
  let total = StopVote.variable("total")

  private static func variable(_ name: String) -> Variable {
    Variable(
      path: "stop_vote/\(name)", kind: .state, initial: Tensor(0.0, dtype: .float32),
      trainable: false)
  }
}

extension Model {
  /// Puts into the next step whether this rank asks for the end.
  func castStopVote() {
    guard strategy.replicaCount > 1 else { return }
    // In place: a steady step allocates nothing.
    stopVote.own.pin().storeBytes(of: stopTraining ? 1 : 0, as: Float.self)
  }

  /// Whether training ends after the step that has just run: on all ranks or on none.
  func endsAfterStep() -> Bool {
    guard strategy.replicaCount > 1 else { return stopTraining }
    guard stopVote.total.pin().load(as: Float.self) > 0 else { return false }
    stopTraining = true
    return true
  }

  /// Whether training ends after the epoch. One small collective an epoch, which also finds what a callback has set on one rank alone.
  ///
  /// - Throws: ``EngineError`` where a rank has another learning rate, mode or policy than the others.
  func endsAfterEpoch() throws -> Bool {
    guard communicator.size > 1 else { return stopTraining }
    let hash = Int64(bitPattern: callbackHash >> 2)
    // The largest of both hashes is that of all ranks exactly when all have the same.
    var message = [stopTraining ? 1 : 0, hash, -hash]
    try communicator.named("stopTraining") {
      try communicator.allReduce(&message, count: 3, dtype: .int64, operation: .max)
    }
    if message[1] != -message[2] { try compareModel("the model after an epoch") }
    stopTraining = message[0] != 0
    return stopTraining
  }

  /// A hash of what callbacks set most: computed without reflection, since epochs can be short.
  private var callbackHash: UInt64 {
    let numbers =
      [optimizer?.learningRate.bitPattern ?? 0, UInt64(bitPattern: Int64(driftInterval))]
      + module.variables.map { $0.trainable ? 1 : 0 } + module.modules.map { $0.isTraining ? 1 : 0 }
    return numbers.reduce(StableHash.of(nonFinite.rawValue.utf8), StableHash.combine)
  }
}
