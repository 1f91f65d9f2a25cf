import Engine

// snippet: loss
/// The mean over the last axis of `max(q · e, (q − 1) · e)` with `e = yTrue − yPred`: least where a part `q` of the labels is smaller.
struct Quantile: Loss {
  var q = 0.5
  var options = LossOptions()

  /// `[batch]` for labels and predictions `[batch, n]`.
  func call(_ inputs: LabelsAndPredictions) -> Tensor {
    let error = inputs.yTrue - inputs.yPred
    return mean(maximum(error * q, error * (q - 1)), axis: -1)
  }
}
// end
