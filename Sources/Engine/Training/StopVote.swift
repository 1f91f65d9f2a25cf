import Tensors

/// What ranks ask each other for in the middle of an epoch: to end training, to save a state. The gradients of every step carry a few
/// numbers more, which add up who asks. All ranks see the same sums after the same step, and nothing more is sent.
final class StopVote {
  /// What can be asked for.
  enum Wish: Int, CaseIterable {
    /// A callback has set ``Model/stopTraining``.
    case stop
    /// A state is due by rank 0's clock.
    case state
    /// A state in memory is due by rank 0's clock.
    case memoryState
    /// A signal has asked this process to end.
    case notice
  }

  /// 1 for each wish of this rank.
  let own = StopVote.variable("own")
  /// How many ranks had each wish in the last step.
  let total = StopVote.variable("total")

  private static func variable(_ name: String) -> Variable {
    Variable(
      path: "stop_vote/\(name)", kind: .state,
      initial: .zeros(Shape([Wish.allCases.count]), dtype: .float32), trainable: false)
  }

  /// Puts a wish into the next step. In place: a steady step allocates nothing.
  func set(_ wish: Wish, _ isAsked: Bool) {
    own.pin().storeBytes(
      of: isAsked ? 1 : 0, toByteOffset: wish.rawValue * MemoryLayout<Float>.size, as: Float.self)
  }

  /// Whether any rank had a wish in the last step.
  func isAsked(_ wish: Wish) -> Bool {
    total.pin().load(fromByteOffset: wish.rawValue * MemoryLayout<Float>.size, as: Float.self) > 0
  }
}

extension Model {
  /// Puts into the next step whether this rank asks for the end.
  func castStopVote() {
    guard strategy.replicaCount > 1 else { return }
    stopVote.set(.stop, stopTraining)
  }

  /// Whether training ends after the step that has just run: on all ranks or on none.
  func endsAfterStep() -> Bool {
    guard strategy.replicaCount > 1 else { return stopTraining }
    guard stopVote.isAsked(.stop) else { return false }
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
