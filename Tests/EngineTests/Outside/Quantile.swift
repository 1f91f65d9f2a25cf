import Engine

// snippet: loss
/// The mean over the last axis of `log cosh(yPred − yTrue)`: squared for small errors, linear for large ones.
struct LogCosh: Loss {
  var options = LossOptions()

  /// `[batch]` for labels and predictions `[batch, n]`.
  func call(_ inputs: LabelsAndPredictions) -> Tensor {
    let error = inputs.yPred - inputs.yTrue
    // log cosh e = e + log(1 + e^(−2e)) − log 2, without overflow.
    return mean(error + softplus(error * -2) - 0.6931471805599453, axis: -1)
  }
}
// end
