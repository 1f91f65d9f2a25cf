import Engine
import TestSupport
import Testing

/// The learning rate schedules under the shared contract: a new one is a new row.
enum ScheduleTable {
  typealias Make = @Sendable (FixtureCase) throws -> any LearningRateSchedule

  static let rows: [String: Make] = [
    "ExponentialDecay": { example in
      ExponentialDecay(
        initialLearningRate: try example.required("initial_learning_rate"),
        decaySteps: Int(try example.required("decay_steps")),
        decayRate: try example.required("decay_rate"), staircase: try example.flag("staircase"))
    },
    "InverseTimeDecay": { example in
      InverseTimeDecay(
        initialLearningRate: try example.required("initial_learning_rate"),
        decaySteps: Int(try example.required("decay_steps")),
        decayRate: try example.required("decay_rate"), staircase: try example.flag("staircase"))
    },
    "PiecewiseConstantDecay": { example in
      PiecewiseConstantDecay(
        boundaries: try example["arguments"]["boundaries"].elements().map { try $0.int() },
        values: try example["arguments"]["values"].doubles())
    },
    "PolynomialDecay": { example in
      PolynomialDecay(
        initialLearningRate: try example.required("initial_learning_rate"),
        decaySteps: Int(try example.required("decay_steps")),
        endLearningRate: try example.required("end_learning_rate"),
        power: try example.number("power") ?? 1, cycle: try example.flag("cycle"))
    },
    "CosineDecay": { example in
      CosineDecay(
        initialLearningRate: try example.required("initial_learning_rate"),
        decaySteps: Int(try example.required("decay_steps")),
        alpha: try example.number("alpha") ?? 0,
        warmupTarget: try example.number("warmup_target"),
        warmupSteps: Int(try example.number("warmup_steps") ?? 0))
    },
    "CosineDecayRestarts": { example in
      CosineDecayRestarts(
        initialLearningRate: try example.required("initial_learning_rate"),
        firstDecaySteps: Int(try example.required("first_decay_steps")),
        periodFactor: try example.number("t_mul") ?? 2,
        rateFactor: try example.number("m_mul") ?? 1, alpha: try example.number("alpha") ?? 0)
    },
    "ConstantLearningRate": { example in ConstantLearningRate(try example.required("value")) },
    "LinearWarmup": { example in
      LinearWarmup(
        warmupSteps: Int(try example.required("warmup_steps")),
        initialLearningRate: try example.number("initial_learning_rate") ?? 0,
        then: try schedule(example["arguments"]["schedule"]))
    },
    "JoinedSchedules": { example in
      JoinedSchedules(
        try example["arguments"]["schedules"].elements().map(schedule),
        boundaries: try example["arguments"]["boundaries"].elements().map { try $0.int() })
    },
    "LinearScaling": { example in
      LinearScaling(
        try schedule(example["arguments"]["schedule"]),
        replicas: Int(try example.required("replicas")),
        warmupSteps: Int(try example.number("warmup_steps") ?? 0))
    },
    "EpochSchedule": { example in
      EpochSchedule(
        try schedule(example["arguments"]["schedule"]),
        stepsPerEpoch: Int(try example.required("steps_per_epoch")))
    },
    "OneCycle": { example in
      OneCycle(
        maxLearningRate: try example.required("max_lr"),
        totalSteps: Int(try example.required("total_steps")),
        pctStart: try example.number("pct_start") ?? 0.3,
        annealStrategy: try example.argument("anneal_strategy")?.string() == "linear"
          ? .linear : .cos,
        divFactor: try example.number("div_factor") ?? 25,
        finalDivFactor: try example.number("final_div_factor") ?? 1e4,
        threePhase: try example.flag("three_phase"))
    },
  ]

  static func cases() throws -> [FixtureCase] {
    try Fixture.load("schedules", from: .module).cases
      + Fixture.load("torch_schedules", from: .module).cases
  }

  /// The steps of a case: PyTorch's has all.
  static func steps(_ example: FixtureCase) throws -> [Double] {
    if example.className == "OneCycle" {
      return try example["values"].doubles().indices.map { Double($0) }
    }
    return try Fixture.load("schedules", from: .module)["steps"].doubles()
  }

  /// A schedule among the arguments of another.
  @Sendable private static func schedule(_ value: JSONValue) throws -> any LearningRateSchedule {
    try make(try FixtureCase(value))
  }

  static func make(_ example: FixtureCase) throws -> any LearningRateSchedule {
    guard let make = rows[example.className ?? ""] else {
      throw EngineError.data(message: "no row for \(example.name)")
    }
    return try make(example)
  }
}

extension FixtureCase {
  /// A numeric argument that the constructor must be given.
  func required(_ key: String) throws -> Double { try self["arguments"][key].double() }
}

@Suite("Learning rate schedules agree with Keras, Optax and PyTorch")
struct ScheduleTests {
  @Test("Rates at chosen steps, at once and compiled", arguments: try ScheduleTable.cases())
  func rates(_ example: FixtureCase) throws {
    let schedule = try ScheduleTable.make(example)
    let steps = try ScheduleTable.steps(example)
    let compiled = jit { (steps: [Tensor]) in [schedule.value(at: steps[0])] }
    for (step, expected) in zip(steps, try example["values"].doubles()) {
      let iterations = Tensor(Int64(step))
      let rate = schedule.value(at: iterations)
      #expect(rate.spec == TensorSpec([], .float32))
      expectClose(rate.item(), expected, atol: 1e-9, rtol: 1e-6, "at step \(step)")
      expectClose(try compiled([iterations])[0].item(), rate.item(), "compiled, step \(step)")
    }
  }

  @Test("The initial value is the rate of the first update", arguments: try ScheduleTable.cases())
  func initialValue(_ example: FixtureCase) throws {
    let schedule = try ScheduleTable.make(example)
    expectClose(schedule.value(at: Tensor(Int64(0))).item(), schedule.initialValue)
  }

  @Test("Rates stay exact after more updates than float32 can count")
  func manyUpdates() {
    let schedule = PiecewiseConstantDecay(boundaries: [16_777_216], values: [1, 2])
    #expect(schedule.value(at: Tensor(Int64(16_777_216))).item() == 1)
    #expect(schedule.value(at: Tensor(Int64(16_777_217))).item() == 2)
  }

  @Test("An optimizer follows its schedule, and reports it as its learning rate")
  func optimizer() throws {
    let optimizer = SGD(
      learningRate: PiecewiseConstantDecay(boundaries: [0], values: [0.5, 0.25]))
    let variable = Variable(
      path: "p", kind: .parameter, initial: Tensor([1.0]), combine: .first)
    #expect(optimizer.learningRate == 0.5)
    try optimizer.apply([variable], [Tensor([1.0])])
    #expect(variable.value.item() == 0.5)
    #expect(optimizer.learningRate == 0.25)
    try optimizer.apply([variable], [Tensor([1.0])])
    #expect(variable.value.item() == 0.25)
  }

  @Test("One cycle stays at its end, and phases without a length are over at once")
  func endOfCycle() {
    let cycle = OneCycle(maxLearningRate: 0.5, totalSteps: 10, pctStart: 0)
    expectClose(cycle.value(at: Tensor(Int64(9))).item(), 0.5 / 25 / 1e4, atol: 1e-12)
    expectClose(cycle.value(at: Tensor(Int64(1000))).item(), 0.5 / 25 / 1e4, atol: 1e-12)
    let one = OneCycle(maxLearningRate: 0.5, totalSteps: 1, pctStart: 1, annealStrategy: .linear)
    #expect(one.value(at: Tensor(Int64(0))).item().isFinite)
  }

  @Test("A factor for replicas is their number unless given")
  func replicas() {
    #expect(LinearScaling(0.1).value(at: Tensor(Int64(3))).item() == Double(Float(0.1)))
    #expect(LinearScaling(0.1).replicas == 1)
  }

  @Test("Arguments that mean nothing are errors")
  func wrongArguments() {
    expectError("decaySteps must be at least 1, got 0") {
      _ = ExponentialDecay(initialLearningRate: 1, decaySteps: 0, decayRate: 0.5)
    }
    expectError("LinearWarmup: warmupSteps must be at least 1, got 0") {
      _ = LinearWarmup(warmupSteps: 0, then: 0.1)
    }
    expectError("JoinedSchedules: needs increasing boundaries from 1 on") {
      _ = JoinedSchedules([ConstantLearningRate(1), ConstantLearningRate(2)], boundaries: [0])
    }
    expectError("LinearScaling: replicas must be at least 1, got 0") {
      _ = LinearScaling(0.1, replicas: 0)
    }
    expectError("EpochSchedule: stepsPerEpoch must be at least 1, got 0") {
      _ = EpochSchedule(ConstantLearningRate(1), stepsPerEpoch: 0)
    }
    expectError("OneCycle: pctStart must be in 0...0.5") {
      _ = OneCycle(maxLearningRate: 1, totalSteps: 10, pctStart: 0.6, threePhase: true)
    }
    expectError("needs increasing boundaries and one value more") {
      _ = PiecewiseConstantDecay(boundaries: [5, 2], values: [1, 2, 3])
    }
  }
}
