import OrderedCollections
import Tensors

/// Ends training as soon as the loss is not a finite number.
///
/// Looks at the loss after every step, combined over ranks, so that all of them stop at the same
/// one.
public final class TerminateOnNaN: Callback {
  /// True: the loss of every step is looked at.
  public override var needsBatchLogs: Bool { true }

  /// Looks at the loss.
  public override func onTrainBatchEnd(_ step: Int, logs: Logs) {
    guard let loss = logs["loss"], !loss.isFinite else { return }
    say("Batch \(step): Invalid loss, terminating training")
    model?.stopTraining = true
  }
}
