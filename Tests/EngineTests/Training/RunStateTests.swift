import Engine
import TestSupport
import Testing

/// Logs one value while training, one otherwise, and one always.
private final class Logging: Module {
  func call(_ x: Tensor) -> Tensor {
    if isTraining {
      addMetric("aux", mean(x) + 5)
      addLoss("extra", mean(x))
      addSummary("seen", x)
    } else {
      addMetric("tested", mean(x) + 7)
    }
    addMetric("both", mean(x) + 1)
    return Linear(1)(x)
  }
}

/// Notes which class weights it is given, by mode.
private struct Spy: Loss {
  struct Inputs: Decodable {
    let yPred: Tensor
    let classWeight: [String: Double]?
  }
  /// The mean prediction, plus the weight of class 0 where there is one.
  func call(_ i: Inputs) -> Tensor {
    mean(i.yPred, axis: -1) * 0 + (i.classWeight?["0"] ?? 0)
  }
}

private struct Demanding: Loss {
  struct Inputs: Decodable {
    let yPred: Tensor
    let classWeight: [String: Double]
  }
  func call(_ i: Inputs) -> Tensor { mean(i.yPred, axis: -1) }
}

@Suite("What belongs to one run ends with it")
struct RunStateTests {
  private let x = Tensor([[1.0], [2], [3], [2]])

  @Test(
    "A name that is logged in one mode only is not there in the other", arguments: [false, true])
  func namesOfOneMode(_ eagerly: Bool) throws {
    let model = Model(
      module: Logging(), loss: MeanSquaredError(), metrics: [Metrics.MeanAbsoluteError()],
      optimizer: SGD(learningRate: 0), runEagerly: eagerly)
    let history = try model.fit(
      x: x, y: x, epochs: 2, verbose: .silent, validationData: ValidationData(x: x * 2, y: x))
    #expect(history["aux"] == [7, 7] && history["both"] == [3, 3])
    #expect(history["val_tested"] == [11, 11] && history["val_both"] == [5, 5])
    #expect(
      history.history.keys.sorted() == [
        "aux", "both", "extra_loss", "loss", "mean_absolute_error", "mean_squared_error_loss",
        "seen/mean", "seen/std", "val_both", "val_loss", "val_mean_absolute_error",
        "val_mean_squared_error_loss", "val_tested",
      ])
    let logs = try model.evaluate(x: x, y: x)
    #expect(logs["aux"] == nil && logs["extra_loss"] == nil && logs["tested"] == 9)
    #expect(try model.trainOnBatch(x: x, y: x)["tested"] == nil)
  }

  @Test("A callback that watches a name of the other mode says that it has no effect")
  func watching() throws {
    let stopping = EarlyStopping(monitor: "val_aux", patience: 0)
    let (logger, store) = WarningLog.logger()
    stopping.logger = logger
    let model = Model(
      module: Logging(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0))
    let history = try model.fit(
      x: x, y: x, epochs: 3, verbose: .silent, callbacks: [stopping],
      validationData: ValidationData(x: x, y: x))
    #expect(history["loss"].count == 3 && stopping.best == nil)
    let messages = store.messages.withLock { $0 }
    #expect(messages.count == 1 && messages[0].contains("\"val_aux\", which is not logged"))
  }

  @Test("Without any samples there is nothing to evaluate")
  func noSamples() throws {
    #expect(
      throws: EngineError.data(
        message: "evaluate was given no samples: x has a batch axis of length 0")
    ) {
      try Model(module: Linear(1), loss: MeanSquaredError()).evaluate(
        x: Tensor.zeros([0, 1]), y: Tensor.zeros([0, 1]))
    }
  }

  /// Keras: class weights are used while training only, and belong to the call of fit.
  @Test("Class weights end with fit and are none of validation's", arguments: [false, true])
  func classWeights(_ eagerly: Bool) throws {
    let model = Model(
      module: Linear(1), loss: Spy(), optimizer: SGD(learningRate: 0), runEagerly: eagerly)
    let labels = Tensor([0, 0, 1, 1])
    let weights = [0: 4.0, 1: 8.0]
    var inside: [Double] = []
    let history = try model.fit(
      x: x, y: labels, batchSize: 2, epochs: 2, verbose: .silent,
      callbacks: [
        LambdaCallback(onEpochBegin: { _, _ in
          inside.append(try model.trainOnBatch(x: x, y: labels)["loss"] ?? .nan)
        })
      ],
      validationData: ValidationData(x: x, y: labels), classWeight: weights)
    // Each sample's 4 times its own weight: (4 · 4 + 4 · 8) / 2.
    #expect(history["loss"] == [24, 24])
    #expect(history["val_loss"] == [0, 0])
    #expect(inside == [0, 0])
    #expect(try model.evaluate(x: x, y: labels)["loss"] == 0)
    #expect(try model.trainOnBatch(x: x, y: labels, classWeight: weights)["loss"] == 24)
    #expect(try model.testOnBatch(x: x, y: labels)["loss"] == 0)
    #expect(try model.trainOnBatch(x: x, y: labels)["loss"] == 0)
    #expect(try model.fit(x: x, y: labels, verbose: .silent)["loss"] == [0])
  }

  /// With a kernel of zeros and no steps the losses are means of squared labels.
  @Test("Calls in a callback are none of the epoch's", arguments: [false, true])
  func nestedCalls(_ eagerly: Bool) throws {
    let model = Model(
      module: Linear(1, kernelInitializer: Zeros()), loss: MeanSquaredError(),
      metrics: [Metrics.MeanAbsoluteError()], optimizer: SGD(learningRate: 0), runEagerly: eagerly)
    var inside: [Double] = []
    let nested = LambdaCallback(onTrainBatchEnd: { _, _ in
      inside.append(try model.evaluate(x: x, y: x * 10, batchSize: 2)["loss"] ?? .nan)
      inside.append(try model.trainOnBatch(x: x, y: x * 2)["loss"] ?? .nan)
      let _: Tensor = try model.predict(x: x)
      #expect(throws: EngineError.self) { try model.evaluate(x: x, y: Tensor.zeros([3, 1])) }
      #expect(throws: EngineError.self) { try model.testOnBatch(x: x, y: Tensor.zeros([4, 7])) }
    })
    let history = try model.fit(
      x: x, y: x, batchSize: 2, epochs: 2, verbose: .silent, callbacks: [nested],
      validationData: ValidationData(x: x, y: x * 3))
    #expect(history["loss"] == [4.5, 4.5] && history["mean_absolute_error"] == [2, 2])
    #expect(history["val_loss"] == [40.5, 40.5])
    #expect(inside == [450, 18, 450, 18, 450, 18, 450, 18])
  }

  /// A module that fails for one batch: what went before the failure is none of the next call's.
  @Test("A call after one that failed begins anew", arguments: [false, true])
  func afterFailure(_ eagerly: Bool) throws {
    let model = Model(
      module: Linear(1, kernelInitializer: Zeros()), loss: MeanSquaredError(),
      optimizer: SGD(learningRate: 0), runEagerly: eagerly)
    struct Mishap: Error {}
    let failing = LambdaCallback(onTrainBatchEnd: { step, _ in if step == 1 { throw Mishap() } })
    #expect(throws: Mishap.self) {
      try model.fit(
        x: x, y: x * 10, batchSize: 1, verbose: .silent, callbacks: [failing],
        classWeight: [10: 2, 20: 2, 30: 2])
    }
    #expect(try model.fit(x: x, y: x, batchSize: 2, verbose: .silent)["loss"] == [4.5])
    #expect(try model.testOnBatch(x: x, y: x)["loss"] == 4.5)
  }

  @Test("A loss that cannot do without class weights is told why there are none")
  func demanding() throws {
    let model = Model(module: Linear(1), loss: Demanding(), optimizer: SGD())
    expectError("class weights are about training only: declare it optional") {
      try model.fit(
        x: x, y: Tensor([0, 0, 1, 1]), verbose: .silent,
        validationData: ValidationData(x: x, y: x), classWeight: [0: 1, 1: 1])
    }
  }
}
