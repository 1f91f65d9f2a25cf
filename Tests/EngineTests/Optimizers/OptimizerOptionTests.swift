import Engine
import TestSupport
import Testing

@Suite("Settings that all optimizers take", .seeded)
struct OptimizerOptionTests {
  private func variable(_ path: String, _ values: [Double]) -> Variable {
    Variable(path: path, kind: .parameter, initial: Tensor(values), combine: .first)
  }

  private func step(
    _ optimizer: Optimizer, _ variables: [Variable], _ gradients: [[Double]]
  ) throws {
    try withErrors { try optimizer.apply(variables, gradients.map { Tensor($0) }) }
  }

  @Test("The first group that matches a path counts: rate, weight decay, frozen")
  func groups() throws {
    let optimizer = SGD(
      learningRate: 0.5, weightDecay: 0.25,
      options: OptimizerOptions(
        excludeFromWeightDecay: ["bias$"],
        groups: [
          ParameterGroup("^frozen/", isFrozen: true),
          ParameterGroup("^slow/kernel", learningRateMultiplier: 0.5),
          ParameterGroup("^slow/", learningRateMultiplier: 0.25, weightDecay: 1),
          ParameterGroup("slow", learningRateMultiplier: 100),
        ]))
    let variables = [
      variable("a/kernel", [2]), variable("a/bias", [2]), variable("frozen/kernel", [2]),
      variable("slow/kernel", [2]), variable("slow/bias", [2]), variable("b/kernel", [2]),
    ]
    try step(optimizer, variables, [[1], [1], [1], [1], [1], [1]])
    // p − rate · decay · p − rate · g, with the rate 0.5 times the factor.
    let expected: [Double] = [
      2 - 0.125 * 2 - 0.5, 2 - 0.5, 2, 2 - 0.0625 * 2 - 0.25, 2 - 0.125 * 2 - 0.125,
      2 - 0.125 * 2 - 0.5,
    ]
    #expect(variables.map { $0.value.item() } == expected)
  }

  @Test("What is frozen is no part of the norm that gradients are clipped to")
  func frozenNorm() throws {
    let optimizer = SGD(
      learningRate: 1, clipping: .globalNorm(1),
      options: OptimizerOptions(groups: [ParameterGroup("frozen", isFrozen: true)]))
    let variables = [variable("frozen", [0]), variable("p", [0])]
    try step(optimizer, variables, [[100], [0.5]])
    #expect(variables.map { $0.value.item() } == [0, -0.5])
  }

  private final class Two: Module {
    func call(_ x: Tensor) -> Tensor { Linear(1, name: "second")(Linear(3, name: "first")(x)) }
  }

  @Test("A pattern that matches no parameter is warned of")
  func idlePatterns() {
    let optimizer = Lion(
      options: OptimizerOptions(
        excludeFromWeightDecay: ["bias$", "^gamma"],
        groups: [ParameterGroup("fisrt/", isFrozen: true), ParameterGroup("^first")]))
    let parameters = ["first/kernel", "first/bias"].map {
      Variable(path: $0, kind: .parameter, initial: Tensor.zeros([2]), combine: .first)
    }
    let rest = "matches no parameter and so has no effect; there are first/kernel, first/bias"
    #expect(
      optimizer.warnings(ofPatternsAmong: parameters) == [
        "Lion: the pattern \"^gamma\" \(rest)", "Lion: the pattern \"fisrt/\" \(rest)",
      ])
  }

  @Test("A model's frozen group stays, and its gradients are not computed")
  func frozenInFit() throws {
    let model = Model(
      module: Two(),
      loss: MeanSquaredError(),
      optimizer: Adam(
        learningRate: 0.1,
        options: OptimizerOptions(groups: [ParameterGroup("first/", isFrozen: true)])))
    let x = randomNormal([8, 2], key: RandomKey(seed: 1))
    try model.fit(x: x, y: x.sum(axis: 1, keepDims: true), epochs: 0, verbose: .silent)
    let _: Tensor = try model.predict(x: x)
    let before = model.module.variables.map { $0.value.scalars(as: Float.self) }
    #expect(before.count == 4)
    try model.fit(x: x, y: x.sum(axis: 1, keepDims: true), epochs: 2, verbose: .silent)
    for (old, new) in zip(before, model.module.variables) {
      let isSame = old == new.value.scalars(as: Float.self)
      #expect(isSame == new.path.contains("first/"), "\(new.path)")
    }
    #expect(model.optimizer?.variables.contains { $0.path.contains("first") } == false)
  }

  /// Every optimizer, by one update with a group and one without weight decay.
  @Test(
    "A rate of 0 in a group changes nothing, whatever the optimizer",
    arguments: try OptimizerTable.singleCases())
  func multiplierOfZero(_ example: FixtureCase) throws {
    // Follow-the-regularized-leader makes the parameter anew, and divides by the rate.
    if example.className == "Ftrl" { return }
    let described = try OptimizerTable.make(example)
    if described.options.useEMA || described.options.gradientAccumulationSteps > 1 { return }
    let group = ParameterGroup("^still", learningRateMultiplier: 0)
    let optimizer = try OptimizerTable.make(example, groups: [group])
    let variables = [variable("still", [1, -2]), variable("moving", [1, -2])]
    for _ in 0..<3 { try step(optimizer, variables, [[0.5, 1], [0.5, 1]]) }
    let still = variables[0].value.scalars(as: Double.self)
    if example.className == "ScheduleFreeAdamW" {
      expectClose(still, [1, -2], atol: 1e-6)
    } else {
      #expect(still == [1, -2])
    }
    #expect(variables[1].value.scalars(as: Double.self) != [1, -2])
  }

  @Test("Averages of parameters, and parameters set to them")
  func averages() throws {
    let optimizer = SGD(
      learningRate: 1, options: OptimizerOptions(useEMA: true, emaMomentum: 0.75))
    let p = variable("p", [8])
    optimizer.build([p])
    #expect(optimizer.averages.map { $0.average.path } == ["average/p"])
    #expect(
      optimizer.averages[0].parameter === p && optimizer.averages[0].average.value.item() == 8)
    try step(optimizer, [p], [[4]])
    #expect(optimizer.averages[0].average.value.item() == 4, "the parameter at the first update")
    try step(optimizer, [p], [[-4]])
    #expect(p.value.item() == 8)
    #expect(optimizer.averages[0].average.value.item() == 0.75 * 4 + 0.25 * 8)
    #expect(optimizer.variables.map(\.path) == ["iterations", "learning_rate", "average/p"])
    optimizer.finalizeVariables()
    #expect(p.value.item() == 5)
    #expect(SGD().averages.isEmpty)
  }

  @Test("fit ends with the averages, as Keras's does")
  func averagesAfterFit() throws {
    let optimizer = SGD(
      learningRate: 0.1, options: OptimizerOptions(useEMA: true, emaMomentum: 0.5))
    let model = Model(module: Linear(1), loss: MeanSquaredError(), optimizer: optimizer)
    let x = randomNormal([8, 2], key: RandomKey(seed: 1))
    var last: [Float] = []
    let watch = LambdaCallback(onEpochEnd: { _, _ in
      last = model.module.trainableVariables.flatMap { $0.value.scalars(as: Float.self) }
    })
    try model.fit(
      x: x, y: x.sum(axis: 1, keepDims: true), epochs: 3, verbose: .silent, callbacks: [watch])
    #expect(optimizer.averages.count == 2)
    for (parameter, average) in optimizer.averages {
      #expect(
        parameter.value.scalars(as: Float.self) == average.value.scalars(as: Float.self))
    }
    let now = model.module.trainableVariables.flatMap { $0.value.scalars(as: Float.self) }
    #expect(now != last)
  }

  /// Long enough for several blocks and threads, with sizes that no vector divides.
  @Test("Decay and averages in the sweep are those of operations", arguments: [1, 2, 3])
  func sweep(_ threads: Int) throws {
    try ComputeThreads.with(threads) {
      let values = (0..<2).map {
        randomNormal([70_003], key: RandomKey(seed: 4, stream: $0), dtype: .float64)
      }
      let options = OptimizerOptions(useEMA: true, emaMomentum: 0.9, emaOverwriteFrequency: 2)
      let optimizer = SGD(learningRate: 0.5, weightDecay: 0.25, options: options)
      let p = Variable(path: "p", kind: .parameter, initial: values[0], combine: .first)
      var (expected, average) = (values[0], values[0])
      for update in 1...4 {
        try withErrors { try optimizer.apply([p], [values[1]]) }
        expected = expected - expected * 0.125 - values[1] * 0.5
        average = update == 1 ? expected : average * 0.9 + expected * 0.1
        if update % 2 == 0 { expected = average }
        expectClose(p.value, expected, atol: 1e-14, rtol: 1e-14)
        expectClose(optimizer.averages[0].average.value, average, atol: 1e-14, rtol: 1e-14)
      }
    }
  }

  @Test(
    "A rule is one operation in place for all parameters of a group",
    arguments: try OptimizerTable.singleCases())
  func oneOperation(_ example: FixtureCase) throws {
    let group = ParameterGroup("^p1", learningRateMultiplier: 0.5, weightDecay: 0.5)
    for groups in [[], [group]] {
      let optimizer = try OptimizerTable.make(example, groups: groups)
      guard optimizer.updateRule != nil, !optimizer.accumulates else { return }
      let variables = OptimizerTests.variables([.ones([8]), .ones([4, 4]), .ones([3])])
      optimizer.build(variables)
      let plan = try Plan(
        try Trace.record(variables.map(\.spec)) {
          try optimizer.apply(variables, $0)
          return []
        })
      let updates = plan.instructions.filter { $0.primitive.name.hasPrefix("update[") }
      #expect(updates.count == 1 + groups.count)
      let held = 1 + optimizer.slots.count + (optimizer.options.useEMA ? 1 : 0)
      #expect(updates.reduce(0) { $0 + $1.primitive.inPlace.count } == 3 * held)
    }
  }

  private func train(
    batch: Int, accumulated: Int, epochs: Int = 2, runEagerly: Bool = false,
    _ options: (Int) -> OptimizerOptions = { OptimizerOptions(gradientAccumulationSteps: $0) }
  ) throws -> Model {
    let x = randomNormal([24, 3], key: RandomKey(seed: 3))
    let model = Model(
      module: Sequential(Linear(4, activation: .tanh), Linear(1)), loss: MeanSquaredError(),
      optimizer: Adam(
        learningRate: 0.05, weightDecay: 0.1, clipping: .globalNorm(0.5),
        options: options(accumulated)), seed: 1, runEagerly: runEagerly)
    try model.fit(
      x: x, y: x.sum(axis: 1, keepDims: true), batchSize: batch, epochs: epochs, verbose: .silent,
      shuffle: false)
    return model
  }

  @Test("Gradients of k batches are those of one batch k times as large", arguments: [2, 3, 4])
  func accumulation(_ steps: Int) throws {
    let expected = try train(batch: 24 / 2, accumulated: 1)
    for isEager in [false, true] {
      let model = try train(batch: 24 / 2 / steps, accumulated: steps, runEagerly: isEager)
      for (a, b) in zip(model.module.trainableVariables, expected.module.trainableVariables) {
        expectClose(a.value, b.value, atol: 2e-6, rtol: 2e-6, a.path)
      }
      #expect(model.optimizer?.iterations.value.item() == 4)
    }
  }

  /// Keras moves averages at every batch; here they move with the parameters.
  @Test("Averages under accumulation count updates")
  func averagesOfAccumulated() throws {
    func options(_ steps: Int) -> OptimizerOptions {
      OptimizerOptions(
        useEMA: true, emaMomentum: 0.8, emaOverwriteFrequency: 2, gradientAccumulationSteps: steps)
    }
    let expected = try train(batch: 12, accumulated: 1, options)
    let model = try train(batch: 4, accumulated: 3, options)
    for (a, b) in zip(model.module.trainableVariables, expected.module.trainableVariables) {
      expectClose(a.value, b.value, atol: 2e-6, rtol: 2e-6, a.path)
    }
  }

  @Test("Batches that are left over at the end of an epoch are a part of the next update")
  func leftOver() throws {
    // 3 batches an epoch, 2 for an update.
    let model = try train(batch: 8, accumulated: 2, epochs: 3)
    let optimizer = try #require(model.optimizer)
    #expect(optimizer.iterations.value.item() == 4)
    let state = optimizer.variables
    #expect(state[2].path == "accumulated_batches" && state[2].value.item() == 1)
    let accumulators = state.filter { $0.path.hasPrefix("gradient_accumulator/") }
    #expect(accumulators.count == 4 && accumulators.allSatisfy { $0.combine == .sum })
    #expect(accumulators.contains { max(abs($0.value)).item() > 0 })
  }

  @Test("A step that accumulates writes no parameter and allocates nothing")
  func steadySteps() throws {
    func allocations(rows: Int) throws -> Int {
      let x = randomNormal([rows, 3], key: RandomKey(seed: 3))
      let model = Model(
        module: Linear(3), loss: MeanSquaredError(),
        optimizer: AdamW(options: OptimizerOptions(useEMA: true, gradientAccumulationSteps: 4)))
      try model.fit(x: x, y: x, batchSize: 4, verbose: .silent)
      return try StorageStatistics.allocations {
        try model.fit(x: x, y: x, batchSize: 4, verbose: .silent)
      }
    }
    #expect(try allocations(rows: 32) == allocations(rows: 800))
  }

  @Test("A loop of one's own accumulates too, at once and compiled", arguments: [false, true])
  func ownLoop(_ isCompiled: Bool) throws {
    let net = Linear(1, useBias: false, kernelInitializer: Ones())
    let optimizer = SGD(learningRate: 1, options: OptimizerOptions(gradientAccumulationSteps: 2))
    let update = { (x: Tensor) -> Tensor in
      let (loss, gradients) = try valueAndGrad(of: net) { sum(net(x)) }
      try optimizer.update(gradients, net)
      return loss
    }
    let step = jit(update)
    var kernels: [Double] = []
    for x in [1.0, 3, 5, 7] {
      _ = isCompiled ? try step(Tensor([[x]])) : try update(Tensor([[x]]))
      kernels.append(net.trainableVariables[0].value.item())
    }
    #expect(kernels == [1, -1, -1, -7])
  }

  @Test("Schedules count batches, as Keras's do")
  func scheduleUnderAccumulation() throws {
    let optimizer = SGD(
      learningRate: PiecewiseConstantDecay(boundaries: [0, 1, 2], values: [1, 2, 4, 8]),
      options: OptimizerOptions(gradientAccumulationSteps: 2))
    let p = variable("p", [0])
    #expect(optimizer.learningRate == 1)
    try step(optimizer, [p], [[1]])
    #expect(optimizer.learningRate == 2 && p.value.item() == 0)
    try step(optimizer, [p], [[1]])
    #expect(optimizer.learningRate == 4 && p.value.item() == -2)
  }

  @Test("A batch that is skipped is none of those that make an update", arguments: [false, true])
  func skipped(_ isEager: Bool) throws {
    let x = Tensor([[1.0], [.nan], [3], [5], [7]])
    let model = Model(
      module: Linear(1, useBias: false, kernelInitializer: Ones()), loss: SumOfAll(),
      optimizer: SGD(learningRate: 1, options: OptimizerOptions(gradientAccumulationSteps: 2)),
      runEagerly: isEager)
    model.nonFinite = .skipStep
    try model.fit(x: x, y: x, batchSize: 1, verbose: .silent, shuffle: false)
    // (1 + 3) / 2 and (5 + 7) / 2.
    #expect(model.module.trainableVariables[0].value.item() == 1 - 2 - 6)
    #expect(model.skippedSteps == 1)
  }

  private struct SumOfAll: Loss {
    struct Inputs: Decodable { let yPred: Tensor }
    func call(_ inputs: Inputs) -> Tensor { sum(inputs.yPred, axis: -1) }
  }

  @Test("Settings out of range are errors")
  func wrongArguments() {
    expectError("OptimizerOptions: emaMomentum must be in 0...1, got 1.5") {
      _ = OptimizerOptions(emaMomentum: 1.5)
    }
    expectError("OptimizerOptions: emaOverwriteFrequency must be at least 1, got 0") {
      _ = OptimizerOptions(emaOverwriteFrequency: 0)
    }
    expectError("OptimizerOptions: gradientAccumulationSteps must be at least 1, got 0") {
      _ = OptimizerOptions(gradientAccumulationSteps: 0)
    }
    expectError("OptimizerOptions: a pattern must be a regular expression, got \"(\"") {
      _ = OptimizerOptions(excludeFromWeightDecay: ["("])
    }
    expectError("ParameterGroup: learningRateMultiplier must be a number from 0 on, got -1.0") {
      _ = ParameterGroup("a", learningRateMultiplier: -1)
    }
    expectError("ParameterGroup: weightDecay must be a number from 0 on, got inf") {
      _ = ParameterGroup("a", weightDecay: .infinity)
    }
    expectError("ParameterGroup: a pattern must be a regular expression") {
      _ = ParameterGroup("[")
    }
  }
}
