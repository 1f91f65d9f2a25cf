import Tensors

/// Momentum of matrices with all singular values brought near 1; ``AdamW`` for everything else.
///
/// A parameter with two axes: `m = momentum · m + g`, `u = g + momentum · m` (`m` without `nesterov`), and
/// `p -= rate · √max(rows, columns) · rmsRate · orthogonal(u)`, where `orthogonal` is, with `x = u / ‖u‖` at first, `newtonSchulzSteps` times
/// `A = x xᵀ`, `x = a x + (b A + c A²) x`. All other parameters, embeddings and what `excludeLayers` names are
/// updated as by ``Adam`` with a rate of `adamRateRatio · rate`. Weight decay is decoupled.
///
/// The last layer of a classifier belongs into `excludeLayers`.
///
/// - SeeAlso: Jordan et al., *Muon: An optimizer for hidden layers in neural networks* (2024); Liu et al., *Muon is Scalable for LLM Training*
///   (2025), eq. 4; Keras 3, `optimizers.Muon`.
public final class Muon: Optimizer {
  private let routing: Routing
  private let adamRule: AdamRule
  private let adamWeightDecay: Double
  private let coefficients: (a: Double, b: Double, c: Double)
  private let momentum: Double
  private let newtonSchulzSteps: Int
  private let nesterov: Bool
  private let rmsRate: Double?

  /// The optimizer with a learning rate that follows a schedule.
  ///
  /// - Parameters:
  ///   - learningRate: the schedule.
  ///   - adamBeta1: ``Adam``'s `beta1`.
  ///   - adamBeta2: ``Adam``'s `beta2`.
  ///   - adamWeightDecay: weight decay of what is updated as by Adam.
  ///   - epsilon: ``Adam``'s.
  ///   - excludeLayers: regular expressions: parameters of which a part of the path matches one are updated as by Adam.
  ///   - excludeEmbeddings: whether parameters with "embedding" in their path are too.
  ///   - coefficients: of the iteration; Keras's `muon_a`, `muon_b` and `muon_c`.
  ///   - adamRateRatio: Keras's `adam_lr_ratio`.
  ///   - momentum: 0 or more, less than 1.
  ///   - newtonSchulzSteps: Keras's `ns_steps`, 0 or more.
  ///   - nesterov: whether to look ahead.
  ///   - rmsRate: the `rms` of an update relative to the rate; nil for a factor of 1 in the place of `√max(rows, columns) · rmsRate`.
  ///   - weightDecay: decoupled; 0 for none.
  ///   - clipping: what is done to gradients first.
  ///   - options: averages, accumulation, settings of some parameters.
  public init(
    learningRate: any LearningRateSchedule, adamBeta1: Double = 0.9, adamBeta2: Double = 0.999,
    adamWeightDecay: Double = 0.004, epsilon: Double = 1e-7, excludeLayers: [String] = [],
    excludeEmbeddings: Bool = true,
    coefficients: (a: Double, b: Double, c: Double) = (3.4445, -4.7750, 2.0315),
    adamRateRatio: Double = 1, momentum: Double = 0.95, newtonSchulzSteps: Int = 5,
    nesterov: Bool = true, rmsRate: Double? = 0.2, weightDecay: Double = 0.004,
    clipping: GradientClipping? = nil, options: OptimizerOptions = OptimizerOptions()
  ) {
    requireSetting((0..<1).contains(momentum), "Muon: momentum", "in 0..<1", momentum)
    requireSetting((0..<1).contains(adamBeta1), "Muon: adamBeta1", "in 0..<1", adamBeta1)
    requireSetting((0..<1).contains(adamBeta2), "Muon: adamBeta2", "in 0..<1", adamBeta2)
    requireSetting(
      newtonSchulzSteps >= 0, "Muon: newtonSchulzSteps", "0 or more", newtonSchulzSteps)
    for pattern in excludeLayers { PathPattern.check(pattern, of: "Muon") }
    routing = Routing(excludeLayers: excludeLayers, excludeEmbeddings: excludeEmbeddings)
    adamRule = AdamRule(
      rule: Adam.Rule(beta1: adamBeta1, beta2: adamBeta2, epsilon: epsilon, amsgrad: false),
      rateRatio: adamRateRatio)
    self.adamWeightDecay = adamWeightDecay
    self.coefficients = coefficients
    self.momentum = momentum
    self.newtonSchulzSteps = newtonSchulzSteps
    self.nesterov = nesterov
    self.rmsRate = rmsRate
    super.init(
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping, options: options)
  }

  /// The optimizer with a learning rate of 0.001 or another number.
  public convenience init(
    learningRate: Double = 0.001, adamBeta1: Double = 0.9, adamBeta2: Double = 0.999,
    adamWeightDecay: Double = 0.004, epsilon: Double = 1e-7, excludeLayers: [String] = [],
    excludeEmbeddings: Bool = true,
    coefficients: (a: Double, b: Double, c: Double) = (3.4445, -4.7750, 2.0315),
    adamRateRatio: Double = 1, momentum: Double = 0.95, newtonSchulzSteps: Int = 5,
    nesterov: Bool = true, rmsRate: Double? = 0.2, weightDecay: Double = 0.004,
    clipping: GradientClipping? = nil, options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), adamBeta1: adamBeta1, adamBeta2: adamBeta2,
      adamWeightDecay: adamWeightDecay, epsilon: epsilon, excludeLayers: excludeLayers,
      excludeEmbeddings: excludeEmbeddings, coefficients: coefficients,
      adamRateRatio: adamRateRatio, momentum: momentum, newtonSchulzSteps: newtonSchulzSteps,
      nesterov: nesterov, rmsRate: rmsRate, weightDecay: weightDecay, clipping: clipping,
      options: options)
  }

  /// `m`, and `v` of what is updated as by Adam; Keras's names.
  public override var slots: [Slot] {
    [Slot("momentum"), Slot("velocity") { [routing] in routing.usesAdam($0) ? $0.shape : nil }]
  }

  override func weightDecay(of parameter: Variable) -> Double {
    routing.usesAdam(parameter) ? adamWeightDecay : weightDecay
  }

  /// The new values: one sweep for what is updated as by Adam, operations on tensors for matrices.
  public override func updateAll(
    _ parameters: [Tensor], _ gradients: [Tensor], _ slots: [[Tensor]], step: Step
  ) -> (parameters: [Tensor], slots: [[Tensor]]) {
    var (newParameters, newSlots) = (parameters, slots)
    let adam = parameters.indices.filter { routing.usesAdam(step.parameters[$0]) }
    let result = fusedUpdate(
      adamRule, adam.map { parameters[$0] }, adam.map { gradients[$0] },
      slots.map { slot in adam.map { slot[$0] } }, step: step)
    for (place, index) in adam.enumerated() {
      newParameters[index] = result.parameters[place]
      for slot in slots.indices { newSlots[slot][index] = result.slots[slot][place] }
    }
    for index in parameters.indices where !routing.usesAdam(step.parameters[index]) {
      let parameter = decayed(parameters[index], step)
      let m = slots[0][index] * momentum + gradients[index]
      let direction = orthogonal(nesterov ? gradients[index] + m * momentum : m)
      let length = Double(max(parameter.shape[0], parameter.shape[1]))
      let factor = rmsRate.map { $0 * length.squareRoot() } ?? 1
      newParameters[index] = parameter - direction * step.rate(parameter.dtype, times: factor)
      newSlots[0][index] = m
    }
    return (newParameters, newSlots)
  }

  /// `x` with singular values near 1, by the iteration of Newton and Schulz.
  private func orthogonal(_ x: Tensor) -> Tensor {
    let isTall = x.shape[0] > x.shape[1]
    var x = isTall ? transpose(x, [1, 0]) : x
    x = x / (norm(x) + 1e-7)
    for _ in 0..<newtonSchulzSteps {
      let a = matmul(x, transpose(x, [1, 0]))
      x = x * coefficients.a + matmul(a * coefficients.b + matmul(a * coefficients.c, a), x)
    }
    return isTall ? transpose(x, [1, 0]) : x
  }

  /// Which parameters are updated as by Adam.
  private struct Routing: Sendable {
    let excludeLayers: [String]
    let excludeEmbeddings: Bool

    func usesAdam(_ parameter: Variable) -> Bool {
      parameter.shape.count != 2
        || excludeEmbeddings && parameter.path.lowercased().contains("embedding")
        || excludeLayers.contains { PathPattern.matches($0, parameter.path) }
    }
  }

  /// ``Adam``'s rule with another rate.
  private struct AdamRule: UpdateRule {
    let rule: Adam.Rule
    let rateRatio: Double

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      rule.apply(
        parameter: parameter, gradient: gradient, slots: slots, count: count, dtype: dtype,
        learningRate: learningRate * rateRatio, iteration: iteration)
    }
  }
}
