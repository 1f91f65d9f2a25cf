import Tensors

/// How parameters are averaged over updates: `average = momentum · average + (1 − momentum) · p`, and `average = p` at the first one.
///
/// - SeeAlso: Keras 3, `optimizers.Optimizer(use_ema=True)`.
struct MovingAverage: Hashable, Sendable {
  private let momentum: Double
  private let overwriteFrequency: Int?

  init(_ options: OptimizerOptions) {
    momentum = options.emaMomentum
    overwriteFrequency = options.emaOverwriteFrequency
  }

  /// On `count` elements in memory, after update `iteration`, counted from 1.
  func apply(
    _ dtype: DType, _ parameter: UnsafeMutableRawPointer, _ average: UnsafeMutableRawPointer,
    count: Int, iteration: Int
  ) {
    UpdateKernels.average(
      dtype, average, parameter, momentum: iteration <= 1 ? 0 : momentum,
      overwrites: overwriteFrequency.map { iteration % $0 == 0 } ?? false, count: count)
  }

  /// In operations on tensors: the new parameters and averages.
  func apply(
    _ parameters: [Tensor], _ averages: [Tensor], iteration: Tensor
  ) -> (parameters: [Tensor], averages: [Tensor]) {
    let kept = select(iteration .<= 1, 0, Tensor(momentum, dtype: .float64))
    let new = zip(parameters, averages).map { parameter, average in
      average * kept.cast(to: average.dtype) + parameter * (1.0 - kept).cast(to: average.dtype)
    }
    guard let overwriteFrequency else { return (parameters, new) }
    let periods = iteration.cast(to: .float64) / Double(overwriteFrequency)
    let isDue = periods .== floor(periods)
    return (zip(parameters, new).map { select(isDue, $1, $0) }, new)
  }
}
