import Tensors

/// What messages lose of this rank's gradients is added to its next ones (``GradientHook/keepsErrors``).
extension Model {
  /// What encodes gradients, where what is lost is kept; nil elsewhere.
  private var errorKeeping: (reduction: BucketedAllReduce, hook: any GradientHook)? {
    guard strategy.replicaCount > 1,
      let reduction = strategy.gradientReduction as? BucketedAllReduce, let hook = reduction.hook,
      hook.keepsErrors
    else { return nil }
    return (reduction, hook)
  }

  /// Makes the memory of what is lost.
  func makeGradientErrors(of parameters: [Variable]) {
    guard let (reduction, _) = errorKeeping else { return }
    optimizer?.buildGradientErrors(
      of: parameters.filter { reduction.encodes($0.spec, over: communicator) })
  }

  /// Gradients as they are sent, and the losses of that as new values of the memory.
  func withGradientErrors(_ parameters: [Variable], _ gradients: [Tensor]) -> [Tensor] {
    guard let (reduction, hook) = errorKeeping, let optimizer else { return gradients }
    return zip(parameters, gradients).map { parameter, gradient in
      guard reduction.encodes(gradient.spec, over: communicator),
        !reduction.sendsRows(of: gradient, over: communicator),
        let error = optimizer.gradientError(of: parameter)
      else { return gradient }
      let results = apply(ErrorFeedback(hook), [gradient, error.value])
      error.value = results[1]
      return results[0]
    }
  }
}
