import OrderedCollections
import Tensors

/// Ends training as soon as the loss is not a finite number.
///
/// Looks at the loss after every step, combined over ranks, so that all of them stop at the same
/// one.
///
/// - Note: Departs from Keras: a model looks for such numbers by itself, before it changes its weights, and throws: this callback sees them only with
///   ``NonFinitePolicy/ignore`` (`model.nonFinite`). Keras trains on without the callback.
/// - SeeAlso: Keras, `callbacks.TerminateOnNaN`.
public final class TerminateOnNaN: Callback {
  private let raiseError: Bool
  private var epoch = 0

  /// Ends training.
  ///
  /// - Parameter raiseError: whether `fit` throws; else it ends as it does after its last epoch, and all `onTrainEnd` are called.
  public init(raiseError: Bool = false) { self.raiseError = raiseError }

  /// True: the loss of every step is looked at.
  public override var needsBatchLogs: Bool { true }

  /// Remembers the number of the epoch, from 0, for the error.
  public override func onEpochBegin(_ epoch: Int, logs: Logs) { self.epoch = epoch }

  /// Looks at the loss.
  ///
  /// - Throws: `EngineError` of the kind `notFinite`, with `raiseError`.
  public override func onTrainBatchEnd(_ step: Int, logs: Logs) throws {
    guard let loss = logs["loss"], !loss.isFinite else { return }
    if raiseError {
      throw EngineError(
        .notFinite, operation: "TerminateOnNaN",
        "the loss is \(loss) after step \(step + 1) of epoch \(epoch + 1)")
    }
    say("Batch \(step): Invalid loss, terminating training")
    model?.stopTraining = true
  }
}
