import Tensors

/// Gradient descent with momentum and with steps as long as the parameter: for large batches.
///
/// With `u = g + weightDecay · p` and `r = trustCoefficient · ‖p‖ / (‖u‖ + ε)` for each parameter as a whole, 1 where one of the two lengths is 0:
/// `v = momentum · v − rate · r · u` and `p += v`, or with `nesterov` `p += momentum · v − rate · r · u`. Weight decay is a part of the gradient, as
/// in the paper, and not decoupled. Keras has no such optimizer.
///
/// - SeeAlso: You, Gitman, Ginsburg, *Large Batch Training of Convolutional Networks* (2017), algorithm 1; Optax, `optax.lars`.
public final class LARS: Optimizer {
  private let momentum: Double
  private let nesterov: Bool
  private let trustCoefficient: Double
  private let epsilon: Double
  private let excludeFromTrustRatio: [String]

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - momentum: 0 (none) or more, less than 1.
  ///   - nesterov: whether to look ahead.
  ///   - trustCoefficient: how long a step is relative to the parameter.
  ///   - epsilon: added to the length of the update.
  ///   - excludeFromTrustRatio: parameters of which a part of the path matches one of these regular expressions have the factor 1: biases and scales.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, momentum: Double = 0.9, nesterov: Bool = false,
    trustCoefficient: Double = 0.001, epsilon: Double = 0, excludeFromTrustRatio: [String] = [],
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    requireSetting((0..<1).contains(momentum), "LARS: momentum", "in 0..<1", momentum)
    for pattern in excludeFromTrustRatio { PathPattern.check(pattern, of: "LARS") }
    self.momentum = momentum
    self.nesterov = nesterov
    self.trustCoefficient = trustCoefficient
    self.epsilon = epsilon
    self.excludeFromTrustRatio = excludeFromTrustRatio
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number.
  public convenience init(
    learningRate: Double = 0.001, momentum: Double = 0.9, nesterov: Bool = false,
    trustCoefficient: Double = 0.001, epsilon: Double = 0, excludeFromTrustRatio: [String] = [],
    weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), momentum: momentum, nesterov: nesterov,
      trustCoefficient: trustCoefficient, epsilon: epsilon,
      excludeFromTrustRatio: excludeFromTrustRatio, weightDecay: weightDecay, clipping: clipping,
      options: options)
  }

  /// The velocity `v`.
  public override var slots: [Slot] { [Slot("velocity")] }

  /// The new values, in operations on tensors: a step depends on all elements of a parameter.
  public override func updateAll(
    _ parameters: [Tensor], _ gradients: [Tensor], _ slots: [[Tensor]], step: Step
  ) -> (parameters: [Tensor], slots: [[Tensor]]) {
    var new: (parameters: [Tensor], slots: [Tensor]) = ([], [])
    for (index, parameter) in parameters.enumerated() {
      let u = gradients[index] + parameter * step.weightDecay
      var move = u * -step.rate(parameter.dtype)
      let path = step.parameters[index].path
      if !excludeFromTrustRatio.contains(where: { PathPattern.matches($0, path) }) {
        move =
          move * trustRatio(parameter, u, coefficient: trustCoefficient, epsilon: epsilon)
      }
      let v = slots[0][index] * momentum + move
      new.parameters.append(parameter + (nesterov ? v * momentum + move : v))
      new.slots.append(v)
    }
    return (new.parameters, [new.slots])
  }
}
