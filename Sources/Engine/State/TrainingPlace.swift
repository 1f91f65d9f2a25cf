/// Where in a call of `fit` a training is.
struct TrainingPlace: Codable, Hashable, Sendable {
  /// Which call of `fit` on the model, counted from 0.
  var call: Int
  /// The epoch that goes on or comes next, counted as `fit` counts.
  var epoch: Int
  /// How many steps of it are done.
  var step: Int
  /// How many orders of samples earlier calls have used.
  var ordersBefore: Int
  /// The epoch at which the call ends.
  var lastEpoch: Int
  /// Whether a callback has ended the training.
  var isEnded: Bool

  /// `epoch 3, step 17`, counted from 1: what comes next.
  var description: String {
    step == 0 ? "the beginning of epoch \(epoch + 1)" : "epoch \(epoch + 1) after \(step) steps"
  }
}
