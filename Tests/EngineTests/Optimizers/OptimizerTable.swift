import Engine
import TestSupport
import Testing

/// The optimizers under the shared contract: a new one is a new row.
enum OptimizerTable {
  typealias Make = @Sendable (FixtureCase, any LearningRateSchedule) throws -> Optimizer

  /// Groups of parameters, besides what a case says.
  @TaskLocal static var groups: [ParameterGroup] = []

  static let rows: [String: Make] = [
    "SGD": { c, rate in
      SGD(
        learningRate: rate, momentum: try c.number("momentum") ?? 0,
        nesterov: try c.flag("nesterov"), weightDecay: try c.decay(), clipping: try c.clipping(),
        options: try c.options())
    },
    "Adam": { c, rate in
      Adam(
        learningRate: rate, beta1: try c.number("beta_1") ?? 0.9,
        beta2: try c.number("beta_2") ?? 0.999, epsilon: try c.number("epsilon") ?? 1e-7,
        amsgrad: try c.flag("amsgrad"), weightDecay: try c.decay(), clipping: try c.clipping(),
        options: try c.options())
    },
    "AdamW": { c, rate in
      AdamW(
        learningRate: rate, weightDecay: try c.decay(0.004), clipping: try c.clipping(),
        options: try c.options())
    },
    "Nadam": { c, rate in
      Nadam(
        learningRate: rate, beta1: try c.number("beta_1") ?? 0.9,
        beta2: try c.number("beta_2") ?? 0.999, epsilon: try c.number("epsilon") ?? 1e-7,
        weightDecay: try c.decay(), clipping: try c.clipping(), options: try c.options())
    },
    "Adamax": { c, rate in
      Adamax(
        learningRate: rate, beta1: try c.number("beta_1") ?? 0.9,
        beta2: try c.number("beta_2") ?? 0.999, epsilon: try c.number("epsilon") ?? 1e-7,
        weightDecay: try c.decay(), clipping: try c.clipping(), options: try c.options())
    },
    "RMSprop": { c, rate in
      RMSprop(
        learningRate: rate, rho: try c.number("rho") ?? 0.9,
        momentum: try c.number("momentum") ?? 0, epsilon: try c.number("epsilon") ?? 1e-7,
        centered: try c.flag("centered"), weightDecay: try c.decay(), clipping: try c.clipping(),
        options: try c.options())
    },
    "Adagrad": { c, rate in
      Adagrad(
        learningRate: rate,
        initialAccumulatorValue: try c.number("initial_accumulator_value") ?? 0.1,
        epsilon: try c.number("epsilon") ?? 1e-7, weightDecay: try c.decay(),
        clipping: try c.clipping(), options: try c.options())
    },
    "Adadelta": { c, rate in
      Adadelta(
        learningRate: rate, rho: try c.number("rho") ?? 0.95,
        epsilon: try c.number("epsilon") ?? 1e-7, weightDecay: try c.decay(),
        clipping: try c.clipping(), options: try c.options())
    },
    "Ftrl": { c, rate in
      Ftrl(
        learningRate: rate, learningRatePower: try c.number("learning_rate_power") ?? -0.5,
        initialAccumulatorValue: try c.number("initial_accumulator_value") ?? 0.1,
        l1RegularizationStrength: try c.number("l1_regularization_strength") ?? 0,
        l2RegularizationStrength: try c.number("l2_regularization_strength") ?? 0,
        l2ShrinkageRegularizationStrength:
          try c.number("l2_shrinkage_regularization_strength") ?? 0,
        beta: try c.number("beta") ?? 0, weightDecay: try c.decay(), clipping: try c.clipping(),
        options: try c.options())
    },
    "Lion": { c, rate in
      Lion(
        learningRate: rate, beta1: try c.number("beta_1") ?? 0.9,
        beta2: try c.number("beta_2") ?? 0.99, weightDecay: try c.decay(),
        clipping: try c.clipping(), options: try c.options())
    },
    "Lamb": { c, rate in
      Lamb(
        learningRate: rate, beta1: try c.number("beta_1") ?? 0.9,
        beta2: try c.number("beta_2") ?? 0.999,
        epsilon: try c.number("epsilon") ?? c.number("eps") ?? 1e-7, weightDecay: try c.decay(),
        clipping: try c.clipping(), options: try c.options())
    },
    "LARS": { c, rate in
      LARS(
        learningRate: rate, momentum: try c.number("momentum") ?? 0.9,
        nesterov: try c.flag("nesterov"),
        trustCoefficient: try c.number("trust_coefficient") ?? 0.001,
        epsilon: try c.number("eps") ?? 0, excludeFromTrustRatio: try c.strings("exclude"),
        weightDecay: try c.decay(), options: try c.options())
    },
    "Adafactor": { c, rate in
      Adafactor(
        learningRate: rate, beta2Decay: try c.number("beta_2_decay") ?? -0.8,
        epsilon1: try c.number("epsilon_1") ?? 1e-30,
        epsilon2: try c.number("epsilon_2") ?? 0.001,
        clipThreshold: try c.number("clip_threshold") ?? 1, weightDecay: try c.decay(),
        clipping: try c.clipping(), options: try c.options())
    },
    "Muon": { c, rate in
      Muon(
        learningRate: rate, adamWeightDecay: try c.number("adam_weight_decay") ?? 0.004,
        excludeLayers: try c.strings("exclude_layers"),
        excludeEmbeddings: try c.argument("exclude_embeddings")?.bool() ?? true,
        adamRateRatio: try c.number("adam_lr_ratio") ?? 1,
        momentum: try c.number("momentum") ?? 0.95,
        newtonSchulzSteps: Int(try c.number("ns_steps") ?? 5),
        nesterov: try c.argument("nesterov")?.bool() ?? true,
        // null among the arguments of the only case that names others.
        rmsRate: c.argument("ns_steps") == nil ? 0.2 : nil, weightDecay: try c.decay(0.004),
        options: try c.options())
    },
    "ScheduleFreeAdamW": { c, rate in
      ScheduleFreeAdamW(
        learningRate: rate, beta1: try c.number("beta_1") ?? 0.9,
        beta2: try c.number("beta_2") ?? 0.999, epsilon: try c.number("epsilon") ?? 1e-8,
        warmupSteps: Int(try c.number("warmup_steps") ?? 0), weightDecay: try c.decay(),
        clipping: try c.clipping(), options: try c.options())
    },
  ]

  /// What Optax's functions are called here.
  private static let optax = ["optax.lars": "LARS", "optax.lamb": "Lamb"]

  /// The file, which takes long to read.
  static let fixture = Result { try Fixture.load("optimizers", from: .module) }

  static func cases() throws -> [FixtureCase] { try fixture.get().cases }

  /// The same case in float64.
  static func exactCase(of example: FixtureCase) throws -> FixtureCase {
    let name = example.name.replacing("float32", with: "float64")
    guard let found = try cases().first(where: { $0.name == name }) else {
      throw EngineError.data(message: "no case \(name)")
    }
    return found
  }

  /// Cases of float32.
  static func singleCases() throws -> [FixtureCase] {
    try cases().filter { try $0["dtype"].string() == "float32" }
  }

  static func make(_ example: FixtureCase, groups: [ParameterGroup]) throws -> Optimizer {
    try $groups.withValue(groups) { try make(example) }
  }

  static func make(_ example: FixtureCase) throws -> Optimizer {
    let name = example.className ?? ""
    guard let make = rows[optax[name] ?? name], let rate = example.argument("learning_rate")
    else { throw EngineError.data(message: "no row for \(example.name)") }
    if let number = try? rate.double() {
      return try make(example, ConstantLearningRate(number))
    }
    return try make(example, try ScheduleTable.make(try FixtureCase(rate)))
  }
}

extension FixtureCase {
  fileprivate func decay(_ usual: Double = 0) throws -> Double {
    try number("weight_decay") ?? usual
  }

  fileprivate func strings(_ key: String) throws -> [String] {
    try argument(key)?.elements().map { try $0.string() } ?? []
  }

  fileprivate func clipping() throws -> GradientClipping? {
    if let limit = try number("clipvalue") { return .value(limit) }
    if let limit = try number("clipnorm") { return .norm(limit) }
    return try number("global_clipnorm").map { .globalNorm($0) }
  }

  fileprivate func options() throws -> OptimizerOptions {
    OptimizerOptions(
      excludeFromWeightDecay: try strings("exclude"), groups: OptimizerTable.groups,
      useEMA: try flag("use_ema"),
      emaMomentum: try number("ema_momentum") ?? 0.99,
      emaOverwriteFrequency: try number("ema_overwrite_frequency").map { Int($0) },
      gradientAccumulationSteps: Int(try number("gradient_accumulation_steps") ?? 1))
  }
}
