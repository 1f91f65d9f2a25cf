import Tensors

/// Settings that every optimizer takes, besides its learning rate, weight decay and clipping.
///
/// ```swift
/// Adam(
///   learningRate: 0.001,
///   options: OptimizerOptions(
///     groups: [
///       ParameterGroup("^encoder/", learningRateMultiplier: 0.1),
///       ParameterGroup("(bias|scale)$", weightDecay: 0),
///     ],
///     useEMA: true, gradientAccumulationSteps: 4))
/// ```
///
/// All ranks have the same ones.
///
/// - Note: Departs from Keras: losses are not scaled (Keras's `loss_scale_factor` and `LossScaleOptimizer`): that keeps gradients of float16 from
///   vanishing, and gradients here are float32 or float64 under every ``PrecisionPolicy``, bfloat16 included, whose exponents are those of float32.
///   `excludeFromWeightDecay` looks at the whole path of a parameter; Keras at its last part only. With `gradientAccumulationSteps` averages move at
///   updates; Keras 3.15 moves them at every batch, also where the parameters have not changed.
/// - SeeAlso: Keras 3, `optimizers.Optimizer`.
public struct OptimizerOptions: Hashable, Sendable {
  /// Parameters of which a part of the path matches one of these regular expressions have no weight decay, unless a group gives them one.
  ///
  /// Keras's `exclude_from_weight_decay(var_names=)`.
  public let excludeFromWeightDecay: [String]
  /// Settings for some of the parameters; the first group that matches counts.
  public let groups: [ParameterGroup]
  /// Whether the optimizer keeps moving averages of the parameters: ``Optimizer/averages``.
  public let useEMA: Bool
  /// How much of an average is kept at an update, 0 to 1: `average = emaMomentum · average + (1 − emaMomentum) · p`.
  public let emaMomentum: Double
  /// The number of updates after which parameters are set to their averages; nil, the default, for at the end of `fit` only.
  public let emaOverwriteFrequency: Int?
  /// The number of batches whose mean gradient makes one update; 1, the default, for an update a batch.
  ///
  /// Under several ranks gradients are added over them once an update. Schedules of the learning rate count batches, as in Keras,
  /// ``Optimizer/iterations``, corrections of moments and averages updates. What is left at the end of an epoch is a part of the next update.
  public let gradientAccumulationSteps: Int

  /// Settings; Keras's defaults.
  ///
  /// Fails with ``EngineError/invalidArgument(message:)`` for an `emaMomentum` outside of 0...1, numbers of updates or batches below 1, and what
  /// is no regular expression.
  public init(
    excludeFromWeightDecay: [String] = [], groups: [ParameterGroup] = [], useEMA: Bool = false,
    emaMomentum: Double = 0.99, emaOverwriteFrequency: Int? = nil,
    gradientAccumulationSteps: Int = 1
  ) {
    self.excludeFromWeightDecay = excludeFromWeightDecay
    self.groups = groups
    self.useEMA = useEMA
    self.emaMomentum = emaMomentum
    self.emaOverwriteFrequency = emaOverwriteFrequency
    self.gradientAccumulationSteps = max(gradientAccumulationSteps, 1)
    requireSetting(
      (0...1).contains(emaMomentum), "OptimizerOptions: emaMomentum", "in 0...1", emaMomentum)
    for (name, count) in [
      ("emaOverwriteFrequency", emaOverwriteFrequency ?? 1),
      ("gradientAccumulationSteps", gradientAccumulationSteps),
    ] {
      requireSetting(count >= 1, "OptimizerOptions: \(name)", "at least 1", count)
    }
    for pattern in excludeFromWeightDecay { PathPattern.check(pattern, of: "OptimizerOptions") }
  }
}

/// Settings of the parameters of which a part of the path matches a regular expression; see ``OptimizerOptions/groups``.
public struct ParameterGroup: Hashable, Sendable {
  /// The regular expression: `bias$` for all biases, `^encoder/` for all that is in `encoder`.
  public let pattern: String
  /// What the learning rate is multiplied by.
  public let learningRateMultiplier: Double
  /// Weight decay in place of the optimizer's; nil for the optimizer's.
  public let weightDecay: Double?
  /// Whether the parameters stay as they are: they have no gradient then, which is no part of a norm that gradients are clipped to.
  public let isFrozen: Bool

  /// A group. Fails with ``EngineError/invalidArgument(message:)`` for what is no regular expression, and numbers below 0.
  ///
  /// - Parameters:
  ///   - pattern: a regular expression for a part of the path.
  ///   - learningRateMultiplier: 0 or more; weight decay is multiplied too.
  ///   - weightDecay: 0 for none, nil for the optimizer's.
  ///   - isFrozen: true for parameters that stay as they are.
  public init(
    _ pattern: String, learningRateMultiplier: Double = 1, weightDecay: Double? = nil,
    isFrozen: Bool = false
  ) {
    self.pattern = pattern
    self.learningRateMultiplier = learningRateMultiplier
    self.weightDecay = weightDecay
    self.isFrozen = isFrozen
    for (name, value) in [
      ("learningRateMultiplier", learningRateMultiplier), ("weightDecay", weightDecay ?? 0),
    ] {
      requireSetting(
        value >= 0 && value < .infinity, "ParameterGroup: \(name)", "a number from 0 on", value)
    }
    PathPattern.check(pattern, of: "ParameterGroup")
  }
}

/// What the options say about one parameter.
struct ParameterSettings: Hashable, Sendable {
  var learningRateMultiplier = 1.0
  var weightDecay = 0.0
  var isFrozen = false
}

extension OptimizerOptions {
  /// The settings of the parameter at `path`, of which the optimizer itself says `weightDecay`.
  func settings(at path: String, weightDecay: Double) -> ParameterSettings {
    let group = groups.first { PathPattern.matches($0.pattern, path) }
    let isExcluded = excludeFromWeightDecay.contains { PathPattern.matches($0, path) }
    return ParameterSettings(
      learningRateMultiplier: group?.learningRateMultiplier ?? 1,
      weightDecay: group?.weightDecay ?? (isExcluded ? 0 : weightDecay),
      isFrozen: group?.isFrozen ?? false)
  }

  /// The patterns that match none of the paths.
  func idlePatterns(among paths: [String]) -> [String] {
    (excludeFromWeightDecay + groups.map(\.pattern)).filter { pattern in
      !paths.contains { PathPattern.matches(pattern, $0) }
    }
  }
}

/// Regular expressions for parts of paths of variables.
enum PathPattern {
  /// Whether a part of `path` matches; never for what is no regular expression.
  static func matches(_ pattern: String, _ path: String) -> Bool {
    guard let expression = try? Regex(pattern) else { return false }
    return path.firstMatch(of: expression) != nil
  }

  /// Fails with ``EngineError/invalidArgument(message:)`` when `pattern` is no regular expression.
  static func check(_ pattern: String, of type: String) {
    let isRight = (try? Regex(pattern)) != nil
    requireSetting(isRight, "\(type): a pattern", "a regular expression", "\"\(pattern)\"")
  }
}

/// Fails with ``EngineError/invalidArgument(message:)`` unless a setting is what it must be.
func requireSetting(_ isRight: Bool, _ what: String, _ rule: String, _ found: Any) {
  if isRight { return }
  fail(EngineError.invalidArgument(message: "\(what) must be \(rule), got \(found)"))
}
