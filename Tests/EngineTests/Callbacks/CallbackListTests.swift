import Engine
import TestSupport
import Testing

private final class Recorder: Callback {
  var calls: [String] = []
  override func onTrainBegin(logs: Logs) { calls.append("trainBegin") }
  override func onTrainEnd(logs: Logs) { calls.append("trainEnd") }
  override func onEpochBegin(_ epoch: Int, logs: Logs) { calls.append("epochBegin \(epoch)") }
  override func onEpochEnd(_ epoch: Int, logs: inout Logs) {
    calls.append("epochEnd \(epoch) \(logs.keys.joined(separator: ","))")
    logs["extra"] = 7
  }
  override func onTrainBatchBegin(_ step: Int, logs: Logs) { calls.append("batchBegin \(step)") }
  override func onTrainBatchEnd(_ step: Int, logs: Logs) {
    calls.append("batchEnd \(step) \(logs.count)")
  }
}

@Suite struct CallbackListTests {
  @Test func `calls come in order and logs can be added to`() throws {
    let recorder = Recorder()
    let history = try runTraining(
      [recorder], ModelStub(), epochs: [["loss": 1], ["loss": 2, "val_loss": 3]], steps: 2)
    #expect(
      recorder.calls == [
        "trainBegin", "epochBegin 0", "batchBegin 0", "batchEnd 0 0", "batchBegin 1",
        "batchEnd 1 0",
        "epochEnd 0 loss", "epochBegin 1", "batchBegin 0", "batchEnd 0 0", "batchBegin 1",
        "batchEnd 1 0", "epochEnd 1 loss,val_loss", "trainEnd",
      ])
    #expect(history.epoch == [0, 1])
    #expect(history.history == ["loss": [1, 2], "extra": [7, 7], "val_loss": [3]])
    #expect(history.params.epochs == 2 && history.params.steps == 2)
    #expect(history["nothing"] == [])
  }

  @Test func `logs of steps are read only when someone needs them`() throws {
    func steps(_ callbacks: [Callback], _ verbosity: Verbosity = .silent) throws -> [Int] {
      let list = CallbackList(
        callbacks, model: ModelStub(), parameters: RunParameters(steps: 40),
        progress: ProgressBar(verbosity: verbosity, output: TextLog().output(isTerminal: true)))
      try list.trainBegin()
      return (0..<40).filter(list.batchLogSteps(40).contains)
    }
    #expect(try steps([]) == [])
    #expect(try steps([], .line) == [])
    #expect(try steps([], .bar) == Array(stride(from: 1, to: 39, by: 2)))
    #expect(try steps([Percent()]) == Array(stride(from: 3, to: 39, by: 4)))
    #expect(try steps([Percent()], .bar) == Array(stride(from: 1, to: 39, by: 2)))
    #expect(try steps([TerminateOnNaN()]) == Array(0..<40))
    #expect(try steps([LambdaCallback(needsBatchLogs: true)]) == Array(0..<40))
  }

  @Test func `all ranks read logs of steps as often as the one that needs them most often`() throws
  {
    func stride(_ callbacks: [Callback], other: Int32) throws -> Int {
      let list = CallbackList(
        callbacks, model: ModelStub(communicator: TwoRanks(rank: 0, other: other)),
        parameters: RunParameters(steps: 40), progress: ProgressBar(verbosity: .silent))
      try list.trainBegin()
      return list.batchLogSteps(40).stride
    }
    #expect(try stride([], other: 1) == 1)
    #expect(try stride([], other: .max) == 0)
    #expect(try stride([Percent()], other: 7) == 4)
    #expect(try stride([Percent()], other: 3) == 3)
    #expect(try stride([Percent(), TerminateOnNaN()], other: 3) == 1)
  }

  @Test func `closures are called`() throws {
    var calls: [String] = []
    let lambda = LambdaCallback(
      onEpochBegin: { epoch, _ in calls.append("begin \(epoch)") },
      onEpochEnd: { epoch, logs in calls.append("end \(epoch) \(logs["loss"] ?? .nan)") },
      onTrainBatchEnd: { step, _ in calls.append("batch \(step)") },
      onTrainEnd: { _ in calls.append("done") })
    _ = try runTraining([lambda], ModelStub(), epochs: [["loss": 2]])
    #expect(calls == ["begin 0", "batch 0", "end 0 2.0", "done"])
  }

  @Test func `closures are called around evaluations and predictions too`() throws {
    var calls: [String] = []
    func run(_ name: String) -> LambdaCallback.RunHook {
      { logs in calls.append("\(name) \(logs.keys.joined(separator: ","))") }
    }
    func step(_ name: String) -> LambdaCallback.StepHook {
      { number, _ in calls.append("\(name) \(number)") }
    }
    let lambda = LambdaCallback(
      onTrainBatchBegin: step("train"), onTrainBegin: run("begin"), onTestBegin: run("test"),
      onTestEnd: run("tested"), onTestBatchBegin: step("test"), onTestBatchEnd: step("tested"),
      onPredictBegin: run("predict"), onPredictEnd: run("predicted"),
      onPredictBatchBegin: step("predict"), onPredictBatchEnd: step("predicted"))
    let x = Tensor.ones([4, 1])
    let model = Model(module: Linear(1), loss: MeanSquaredError(), optimizer: SGD())
    try model.fit(
      x: x, y: x, verbose: .silent, callbacks: [lambda],
      validationData: ValidationData(x: x, y: x))
    #expect(
      calls == ["begin ", "train 0", "test ", "test 0", "tested 0", "tested loss"])
    calls = []
    let _: Tensor = try model.predict(x: x, batchSize: 3, callbacks: [lambda])
    #expect(
      calls == [
        "predict ", "predict 0", "predicted 0", "predict 1", "predicted 1", "predicted ",
      ])
  }

  @Test func `an error in a callback ends the training`() {
    let lambda = LambdaCallback(onEpochEnd: { _, _ in throw EngineError.model(message: "no") })
    #expect(throws: EngineError.model(message: "no")) {
      try runTraining([lambda], ModelStub(), epochs: lossLogs([1]))
    }
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func `a loss that is no number ends training at its step`(_ loss: Double) throws {
    let model = ModelStub()
    let terminator = TerminateOnNaN()
    let log = TextLog()
    terminator.output = log.output()
    _ = try runTraining(
      [terminator], model, epochs: [["loss": 1], ["loss": loss], ["loss": 1]], steps: 3)
    #expect(model.stopTraining && model.weights == 1)
    #expect(log.text == "Batch 0: Invalid loss, terminating training\n")
  }

  @Test func `a loss that is no number can be an error`() throws {
    expectError("TerminateOnNaN: the loss is nan after step 2 of epoch 1") {
      let terminator = TerminateOnNaN(raiseError: true)
      var step = 0
      let list = CallbackList([terminator], model: ModelStub(), parameters: RunParameters())
      try list.trainBegin()
      try list.epochBegin(0)
      while step < 3 {
        try list.trainBatchEnd(step, ["loss": step == 1 ? .nan : 1])
        step += 1
      }
    }
    // A model looks by itself unless it is told not to.
    let model = Model(module: Linear(1), loss: MeanSquaredError(), optimizer: SGD())
    let x = Tensor([[Float.nan], [1]])
    for (policy, raises, text) in [
      (NonFinitePolicy.stop, false, "nan"), (.ignore, true, "TerminateOnNaN: the loss is nan"),
    ] as [(NonFinitePolicy, Bool, String)] {
      model.nonFinite = policy
      expectError(text) {
        try model.fit(
          x: x, y: x, epochs: 3, verbose: .silent,
          callbacks: [TerminateOnNaN(raiseError: raises)])
      }
    }
    let history = try model.fit(
      x: x, y: x, batchSize: 1, epochs: 3, verbose: .silent, callbacks: [TerminateOnNaN()],
      shuffle: false)
    #expect(history.epoch == [0])
  }
}
