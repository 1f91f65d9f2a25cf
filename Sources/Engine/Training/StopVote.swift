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

  /// Whether training ends after the epoch. One small collective an epoch: nothing else is sent after its callbacks.
  func endsAfterEpoch() throws -> Bool {
    guard communicator.size > 1 else { return stopTraining }
    var vote: Int32 = stopTraining ? 1 : 0
    try communicator.named("stopTraining") {
      try communicator.allReduce(&vote, count: 1, dtype: .int32, operation: .max)
    }
    stopTraining = vote != 0
    return stopTraining
  }
}
