import Engine
import TestSupport
import Testing

/// The optimizers under the shared contract: a new one is a new row.
enum OptimizerTable {
  typealias Make = @Sendable (FixtureCase, any LearningRateSchedule) throws -> Optimizer

  static let rows: [String: Make] = [
    "SGD": { example, rate in
      SGD(
        learningRate: rate, momentum: try example.number("momentum") ?? 0,
        nesterov: try example.flag("nesterov"),
        weightDecay: try example.number("weight_decay") ?? 0, clipping: try clipping(example))
    },
    "Adam": { example, rate in
      Adam(
        learningRate: rate, beta1: try example.number("beta_1") ?? 0.9,
        beta2: try example.number("beta_2") ?? 0.999,
        epsilon: try example.number("epsilon") ?? 1e-7, amsgrad: try example.flag("amsgrad"),
        weightDecay: try example.number("weight_decay") ?? 0, clipping: try clipping(example))
    },
    "AdamW": { example, rate in
      AdamW(
        learningRate: rate, weightDecay: try example.number("weight_decay") ?? 0.004,
        clipping: try clipping(example))
    },
  ]

  /// Arguments of Keras that no row takes.
  static let unsupported = ["use_ema"]

  static func cases() throws -> [FixtureCase] {
    try Fixture.load("optimizers", from: .module).cases.filter { example in
      rows[example.className ?? ""] != nil
        && unsupported.allSatisfy { example.argument($0) == nil }
    }
  }

  static func make(_ example: FixtureCase) throws -> Optimizer {
    guard let make = rows[example.className ?? ""], let rate = example.argument("learning_rate")
    else { throw EngineError.data(message: "no row for \(example.name)") }
    if let number = try? rate.double() {
      return try make(example, ConstantLearningRate(number))
    }
    let arguments = try rate["arguments"]
    return try make(
      example,
      ExponentialDecay(
        initialLearningRate: try arguments["initial_learning_rate"].double(),
        decaySteps: try arguments["decay_steps"].int(),
        decayRate: try arguments["decay_rate"].double()))
  }

  private static func clipping(_ example: FixtureCase) throws -> GradientClipping? {
    if let limit = try example.number("clipvalue") { return .value(limit) }
    if let limit = try example.number("clipnorm") { return .norm(limit) }
    return try example.number("global_clipnorm").map { .globalNorm($0) }
  }
}

@Suite("Optimizers agree with Keras and keep one contract")
struct OptimizerTests {
  /// The parameters and gradients that all cases share.
  static func data(_ dtype: DType) throws -> (parameters: [Tensor], gradients: [[Tensor]]) {
    let fixture = try Fixture.load("optimizers", from: .module)
    let parameters = try fixture["parameters"].elements().map { try $0.tensor(dtype) }
    let gradients = try fixture["gradients"].elements().map { step in
      try step.elements().map { try $0.tensor(dtype) }
    }
    return (parameters, gradients)
  }

  static func variables(_ tensors: [Tensor]) -> [Variable] {
    tensors.enumerated().map {
      Variable(path: "p\($0.offset)", kind: .parameter, initial: $0.element, combine: .first)
    }
  }

  @Test("Weights after each of five steps", arguments: try OptimizerTable.cases())
  func parity(_ example: FixtureCase) throws {
    let dtype: DType = try example["dtype"].string() == "float64" ? .float64 : .float32
    let (initial, gradients) = try Self.data(dtype)
    let variables = Self.variables(initial)
    let optimizer = try OptimizerTable.make(example)
    // Rates are float32: 0.1 is off by 1.5e-8 of itself. Keras raises the betas to a power in float32.
    let tolerance = dtype == .float64 ? 2e-7 : 5e-6
    for (step, expected) in zip(gradients, try example["weights"].elements()) {
      try withErrors { try optimizer.apply(variables, step) }
      for (variable, weights) in zip(variables, try expected.elements()) {
        expectClose(
          variable.value, try weights.doubles(), atol: tolerance, rtol: tolerance)
      }
    }
    #expect(optimizer.iterations.value.item() == 5)
  }

  @Test("The steps that Keras 3 was seen to make")
  func measured() throws {
    let root = try Fixture.load("published", from: .module)["optimizers"]
    let steps = try root["keras3"]
    let rows: [(String, Optimizer)] = [
      ("SGD(0.1)", SGD(learningRate: 0.1)),
      ("SGD(0.1,momentum=0.9)", SGD(learningRate: 0.1, momentum: 0.9)),
      (
        "SGD(0.1,momentum=0.9,nesterov=True)",
        SGD(learningRate: 0.1, momentum: 0.9, nesterov: true)
      ),
      ("SGD(0.1,weight_decay=0.1)", SGD(learningRate: 0.1, weightDecay: 0.1)),
      ("SGD(0.1,clipvalue=0.15)", SGD(learningRate: 0.1, clipping: .value(0.15))),
      ("SGD(0.1,clipnorm=0.2)", SGD(learningRate: 0.1, clipping: .norm(0.2))),
      ("SGD(0.1,global_clipnorm=0.2)", SGD(learningRate: 0.1, clipping: .globalNorm(0.2))),
      ("Adam(0.1)", Adam(learningRate: 0.1)),
      ("Adam(0.1,amsgrad=True)", Adam(learningRate: 0.1, amsgrad: true)),
      ("AdamW(0.1)", AdamW(learningRate: 0.1)),
    ]
    for (name, optimizer) in rows {
      let variables = Self.variables([try root["w0"].tensor()])
      for (gradient, expected) in zip(
        try root["grads"].elements(), try steps["O.\(name)"].elements())
      {
        try withErrors { try optimizer.apply(variables, [try gradient.tensor()]) }
        expectClose(variables[0].value, try expected.doubles(), atol: 2e-6, rtol: 2e-6, name)
      }
    }
  }

  @Test(
    "Every row can be compiled and gives what it gives at once",
    arguments: try OptimizerTable.cases())
  func compiled(_ example: FixtureCase) throws {
    let (initial, gradients) = try Self.data(.float32)
    let (eager, compiled) = (Self.variables(initial), Self.variables(initial))
    let (first, second) = (try OptimizerTable.make(example), try OptimizerTable.make(example))
    second.build(compiled)
    let step = jit { (gradients: [Tensor]) in
      try second.apply(compiled, gradients)
      return gradients
    }
    for gradient in gradients {
      try withErrors { try first.apply(eager, gradient) }
      _ = try step(gradient)
    }
    for (a, b) in zip(eager, compiled) { expectClose(b.value, a.value) }
    #expect(second.iterations.value.item() == 5)
  }

  @Test("Slots are named after the parameter and listed in a fixed order")
  func slots() throws {
    let (initial, gradients) = try Self.data(.float32)
    let optimizer = Adam(amsgrad: true)
    try optimizer.apply(Self.variables(initial), gradients[0])
    #expect(
      optimizer.variables.map(\.path) == [
        "iterations", "learning_rate", "momentum/p0", "momentum/p1", "velocity/p0", "velocity/p1",
        "velocity_hat/p0", "velocity_hat/p1",
      ])
    #expect(SGD().slots.isEmpty)
  }

  @Test("No parameters, and parameters without elements, are no trouble")
  func nothing() throws {
    for optimizer: Optimizer in [SGD(momentum: 0.9), Adam()] {
      try optimizer.apply([], [])
      let variables = Self.variables([Tensor.zeros([0, 3]), Tensor([1.0])])
      try optimizer.apply(variables, [Tensor.zeros([0, 3]), Tensor([1.0])])
      #expect(variables[1].value.item() < 1)
    }
  }

  @Test("The learning rate can be read and changed between steps")
  func learningRate() throws {
    let optimizer = SGD(learningRate: 0.5)
    let variables = Self.variables([Tensor([1.0])])
    try optimizer.apply(variables, [Tensor([1.0])])
    #expect(variables[0].value.item() == 0.5)
    optimizer.learningRate = 0.25
    #expect(optimizer.learningRate == 0.25)
    try optimizer.apply(variables, [Tensor([1.0])])
    #expect(variables[0].value.item() == 0.25)
    #expect(abs(Adam().learningRate - 0.001) < 1e-9)
    #expect(AdamW().weightDecay == 0.004)
    #expect(abs(SGD().learningRate - 0.01) < 1e-9)
  }

  /// Steps of length 1 in the direction of gradients whose squares overflow float32, float64, or vanish.
  @Test(
    "Clipping by a norm keeps the direction of any gradient", arguments: [DType.float32, .float64])
  func clippingOfLargeGradients(_ dtype: DType) throws {
    let scales: [Double] = dtype == .float64 ? [1e20, 1e200, 1] : [1e20, 8e37, 1]
    for clipping in [GradientClipping.norm(1), .globalNorm(1)] {
      for scale in scales {
        let variables = Self.variables([Tensor.zeros([2], dtype: dtype)])
        let gradient = Tensor([3 * scale, 4 * scale], dtype: dtype)
        try withErrors {
          try SGD(learningRate: 1, clipping: clipping).apply(variables, [gradient])
        }
        expectClose(variables[0].value, [-0.6, -0.8], atol: 0, rtol: 1e-6, "\(scale)")
      }
    }
  }

  @Test("One norm of all gradients, of any size and type")
  func globalNorm() throws {
    // √(3² + 4² + 12²) = 13, all times 1e20.
    let gradients = [
      Tensor([3e20], dtype: .float32), Tensor([[4e20]], dtype: .float64),
      Tensor([0.0, 12e20], dtype: .float32),
    ]
    let variables = Self.variables(gradients.map { .zeros($0.shape, dtype: $0.dtype) })
    let sgd = SGD(learningRate: 1, clipping: .globalNorm(13))
    try withErrors { try sgd.apply(variables, gradients) }
    for (variable, expected) in zip(variables, [[-3.0], [-4], [0, -12]]) {
      expectClose(variable.value, expected, atol: 0, rtol: 1e-6)
    }
    // Small gradients, and those whose squares vanish, are left alone.
    let tiny = Self.variables([Tensor([0.0], dtype: .float32)])
    try withErrors {
      try SGD(learningRate: 1, clipping: .norm(1)).apply(tiny, [Tensor([3e-30], dtype: .float32)])
    }
    expectClose(tiny[0].value, [-3e-30], atol: 0, rtol: 1e-6)
  }

  /// Keras: `scale_for_finite + (use_norm - use_norm)`.
  @Test("An infinite gradient is no step of 0", arguments: [Double.infinity, -.infinity, .nan])
  func infiniteGradients(_ value: Double) throws {
    for clipping in [GradientClipping.norm(1), .globalNorm(1)] {
      let variables = Self.variables([Tensor([0.0, 0], dtype: .float32)])
      try withErrors {
        try SGD(learningRate: 1, clipping: clipping).apply(variables, [Tensor([1.0, value])])
      }
      expectClose(variables[0].value, [.nan, .nan])
    }
  }

  @Test("The learning rate cannot be set under a schedule")
  func settingUnderASchedule() {
    let schedule = CosineDecay(initialLearningRate: 0.1, decaySteps: 10)
    let optimizer = SGD(learningRate: schedule)
    expectError("the learning rate follows CosineDecay and cannot be set to 0.5") {
      optimizer.learningRate = 0.5
    }
    let model = Model(module: Linear(1), loss: MeanSquaredError(), optimizer: optimizer)
    expectError("SGD(learningRate: 0.5)") { model.learningRate = 0.5 }
    expectClose(model.learningRate, 0.1, rtol: 1e-6)
    expectError("there is no optimizer") { Model(module: Linear(1)).learningRate = 0.5 }
  }

  @Test("Arguments out of range are errors")
  func wrongArguments() {
    expectError("momentum must be in 0..<1, got 1.5") { _ = SGD(momentum: 1.5) }
    expectError("beta1 and beta2 must be in 0..<1, got 0.9 and 1.0") { _ = Adam(beta2: 1) }
  }
}
