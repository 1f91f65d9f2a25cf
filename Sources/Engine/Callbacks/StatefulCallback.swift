import Tensors

/// A callback whose memory is a part of the state of a training: what it has counted, and the best value that it has seen.
///
/// ```swift
/// final class Milestones: Callback, StatefulCallback {
///   private var reached: [Double] = []
///
///   override func onEpochEnd(_ epoch: Int, logs: inout Logs) {
///     if let accuracy = logs["accuracy"], accuracy > (reached.last ?? 0) + 0.1 { reached.append(accuracy) }
///   }
///
///   func savedState() -> [Double] { reached }
///   func restore(_ state: [Double]) { reached = state }
/// }
/// ```
///
/// The state may hold tensors. That of rank 0 is saved, and every rank gets it back: a callback takes the same decisions on all ranks.
public protocol StatefulCallback: Callback {
  /// What is remembered: numbers, strings, tensors, and arrays, dictionaries and structs of them.
  associatedtype SavedState: Codable

  /// What the callback remembers now, after all callbacks of an epoch or step have run.
  func savedState() throws -> SavedState

  /// Goes on from what ``savedState()`` gave: called after ``Callback/onTrainBegin(logs:)``, and in the middle of an epoch also after
  /// ``Callback/onEpochBegin(_:logs:)``.
  func restore(_ state: SavedState) throws
}
