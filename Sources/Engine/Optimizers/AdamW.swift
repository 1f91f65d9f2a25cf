import Tensors

/// ``Adam`` with decoupled weight decay, 0.004 by default.
///
/// - SeeAlso: Loshchilov, Hutter, *Decoupled Weight Decay Regularization* (2019), algorithm 2; Keras 3,
///   `optimizers.AdamW`.
public final class AdamW: Adam {
  /// The optimizer with a learning rate that follows a schedule; see ``Adam`` for the arguments.
  public override init(
    learningRate: any LearningRateSchedule, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0.004,
    clipping: GradientClipping? = nil, options: OptimizerOptions = OptimizerOptions()
  ) {
    super.init(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      amsgrad: amsgrad, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number; see ``Adam`` for the arguments.
  public convenience init(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0.004,
    clipping: GradientClipping? = nil, options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), beta1: beta1, beta2: beta2,
      epsilon: epsilon, amsgrad: amsgrad, weightDecay: weightDecay, clipping: clipping,
      options: options)
  }
}
