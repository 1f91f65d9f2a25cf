import Engine
import TestSupport
import Testing

/// Makes the loss one that stays.
private final class Constant: Callback {
  override func onEpochBegin(_ epoch: Int, logs: Logs) {
    (model as? Model)?.module.variables.forEach { $0.value = 0 * $0.value }
  }
}

@Suite struct ReduceLROnPlateauTests {
  /// The learning rate during each epoch.
  private func rates(_ values: [Double], _ plateau: ReduceLROnPlateau) throws -> [Double] {
    let model = ModelStub()
    model.learningRate = 1
    return try runTraining([plateau], model, epochs: lossLogs(values))["learning_rate"]
  }

  @Test func `the learning rate falls after the patience`() throws {
    let plateau = ReduceLROnPlateau(factor: 0.5, patience: 2)
    #expect(try rates([1, 1, 1, 1, 1, 1], plateau) == [1, 1, 1, 0.5, 0.5, 0.25])
    // Used again it starts anew.
    #expect(try rates([1, 1, 1, 1], plateau) == [1, 1, 1, 0.5])
  }

  @Test func `an improvement by more than minDelta starts the count anew`() throws {
    let plateau = ReduceLROnPlateau(factor: 0.5, patience: 2, minDelta: 0.1)
    #expect(
      try rates([1, 1, 0.8, 0.8, 0.75, 0.75], plateau) == [1, 1, 1, 1, 1, 0.5])
  }

  @Test func `epochs of cooldown are not counted`() throws {
    // The reduction after epoch 1 begins a cooldown of 2: epoch 2 lowers it to 1, epoch 3 to 0 and
    // counts already, as in Keras.
    let plateau = ReduceLROnPlateau(factor: 0.5, patience: 1, cooldown: 2)
    #expect(try rates([1, 1, 1, 1, 1, 1], plateau) == [1, 1, 0.5, 0.5, 0.25, 0.25])
  }

  @Test func `the learning rate does not fall below its minimum`() throws {
    let plateau = ReduceLROnPlateau(factor: 0.1, patience: 1, minLearningRate: 0.05)
    #expect(try rates([1, 1, 1, 1, 1], plateau) == [1, 1, 0.1, 0.05, 0.05])
  }

  @Test func `the minimum, rounded to float32, is not reduced to itself again`() throws {
    let log = TextLog()
    let plateau = ReduceLROnPlateau(
      monitor: "loss", factor: 0.5, patience: 1, minLearningRate: 0.1, verbose: true)
    plateau.output = log.output()
    let model = Model(
      module: Linear(1), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.15))
    let x = Tensor.zeros([4, 1])
    try model.fit(x: x, y: x + 1, epochs: 6, verbose: .silent, callbacks: [plateau, Constant()])
    #expect(log.text == "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.1.\n")
  }

  @Test(
    arguments: [
      ("patience is -1, it must be at least 0", { @Sendable in ReduceLROnPlateau(patience: -1) }),
      ("cooldown is -1, it must be at least 0", { @Sendable in ReduceLROnPlateau(cooldown: -1) }),
      (
        "minLearningRate is -1.0, it must be at least 0",
        { @Sendable in ReduceLROnPlateau(minLearningRate: -1) }
      ),
      (
        "minDelta is inf, it must be a finite number",
        { @Sendable in ReduceLROnPlateau(minDelta: .infinity) }
      ),
      ("factor is 1.0, but it must be at least 0", { @Sendable in ReduceLROnPlateau(factor: 1) }),
    ] as [(String, @Sendable () -> ReduceLROnPlateau)])
  func `arguments out of their range are errors`(
    _ text: String, _ make: @Sendable () -> ReduceLROnPlateau
  ) {
    expectError("ReduceLROnPlateau: " + text) { _ = try rates([1], make()) }
  }

  @Test func `a reduction can be announced`() throws {
    let log = TextLog()
    let plateau = ReduceLROnPlateau(factor: 0.5, patience: 1, verbose: true)
    plateau.output = log.output()
    _ = try rates([1, 1], plateau)
    #expect(log.text == "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.5.\n")
  }
}

@Suite struct ScheduledLearningRateTests {
  @Test(
    arguments: [
      { ReduceLROnPlateau(monitor: "loss", patience: 1, verbose: true) },
      { LearningRateScheduler(verbose: true) { _, rate in rate / 10 } },
    ] as [@Sendable () -> Callback])
  func `a callback that sets the rate is refused under a schedule, and says what to do`(
    _ make: @Sendable () -> Callback
  ) throws {
    let callback = make()
    let log = TextLog()
    callback.output = log.output()
    let schedule = ExponentialDecay(initialLearningRate: 0.1, decaySteps: 10, decayRate: 1)
    let model = Model(
      module: Linear(1), loss: MeanSquaredError(), optimizer: SGD(learningRate: schedule))
    expectError(
      "\(type(of: callback)) cannot set the learning rate, which follows ExponentialDecay: give the "
        + "optimizer a number instead"
    ) {
      try model.fit(
        x: Tensor.ones([4, 1]), y: Tensor.ones([4, 1]), epochs: 3, verbose: .silent,
        callbacks: [callback])
    }
    #expect(log.text.isEmpty)
    let stub = ModelStub()
    stub.learningRateSchedule = "Mine"
    expectError("follows Mine") {
      _ = try runTraining([callback], stub, epochs: lossLogs([1]))
    }
    // With a number it works.
    let plain = Model(module: Linear(1), loss: MeanSquaredError(), optimizer: SGD())
    try plain.fit(
      x: Tensor.ones([4, 1]), y: Tensor.ones([4, 1]), verbose: .silent, callbacks: [callback])
  }
}

@Suite struct LearningRateSchedulerTests {
  @Test func `the rate of a schedule is in the logs, that of the next update`() throws {
    let rate = PolynomialDecay(initialLearningRate: 1, decaySteps: 4, endLearningRate: 0)
    let model = Model(
      module: Linear(1), loss: MeanSquaredError(), optimizer: SGD(learningRate: rate))
    let x = Tensor.ones([4, 1])
    let history = try model.fit(x: x, y: x, batchSize: 2, epochs: 2, verbose: .silent)
    #expect(history["learning_rate"] == [0.5, 0])
  }

  @Test func `the schedule sets the learning rate of each epoch`() throws {
    let model = ModelStub()
    model.learningRate = 8
    let log = TextLog()
    let scheduler = LearningRateScheduler(verbose: true) { epoch, rate in
      epoch == 0 ? rate : rate / 2
    }
    scheduler.output = log.output()
    let history = try runTraining([scheduler], model, epochs: lossLogs([1, 1, 1]))
    #expect(history["learning_rate"] == [8, 4, 2])
    #expect(log.lines[2] == "Epoch 3: LearningRateScheduler setting learning rate to 2.0.")
  }

  @Test(arguments: [-0.1, .nan, .infinity])
  func `a rate that is none is an error`(_ rate: Double) {
    expectError(
      "LearningRateScheduler: the schedule gives \(rate) for epoch 1, counted from 0; a learning rate must be "
        + "finite and at least 0"
    ) {
      _ = try runTraining(
        [LearningRateScheduler { epoch, _ in epoch == 1 ? rate : 0.1 }], ModelStub(),
        epochs: lossLogs([1, 1]))
    }
  }
}
