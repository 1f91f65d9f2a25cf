import Engine
import TestSupport
import Testing

@Suite struct EarlyStoppingTests {
  /// Epochs that run, of all those given.
  private func epochs(_ values: [Double], _ stopping: EarlyStopping) throws -> Int {
    try runTraining([stopping], ModelStub(), epochs: lossLogs(values)).epoch.count
  }

  // A constant loss: the first epoch is the best one, then `patience` epochs (at least one) are waited.
  @Test(arguments: [(0, 2), (1, 2), (2, 3), (3, 4)])
  func `a constant value ends training after the patience`(_ patience: Int, _ expected: Int) throws
  {
    let stopping = EarlyStopping(patience: patience)
    #expect(try epochs(Array(repeating: 1, count: 10), stopping) == expected)
    #expect(stopping.stoppedEpoch == expected - 1)
    #expect(stopping.best == 1 && stopping.bestEpoch == 0)
  }

  @Test func `an improvement starts the count anew`() throws {
    let stopping = EarlyStopping(patience: 2)
    #expect(try epochs([5, 6, 4, 4, 3, 3, 3, 1], stopping) == 7)
    #expect(stopping.best == 3 && stopping.bestEpoch == 4)
  }

  @Test func `training that goes on improving is not ended`() throws {
    let stopping = EarlyStopping(patience: 0)
    #expect(try epochs([5, 4, 3, 2, 1], stopping) == 5)
    #expect(stopping.stoppedEpoch == nil)
  }

  @Test(arguments: [0.5, -0.5])
  func `a change up to minDelta is no improvement`(_ delta: Double) throws {
    #expect(try epochs([5, 4.5, 4.5, 1], EarlyStopping(minDelta: delta, patience: 2)) == 3)
    #expect(try epochs([5, 4.4, 4.4, 4.4, 1], EarlyStopping(minDelta: delta, patience: 2)) == 4)
  }

  @Test func `only beating the baseline starts the count anew`() throws {
    // 0.9 and 0.8 are better than before but not than 0.5: the count goes on to 3.
    let stopping = EarlyStopping(patience: 3, baseline: 0.5)
    #expect(try epochs([0.9, 0.8, 0.8, 0.4, 0.3], stopping) == 3)
    #expect(try epochs([0.9, 0.8, 0.4, 0.4, 0.4, 0.4, 0.4], stopping) == 6)
  }

  @Test func `epochs before startFromEpoch do not count`() throws {
    let stopping = EarlyStopping(patience: 2, startFromEpoch: 3)
    #expect(try epochs([1, 9, 9, 5, 5, 5, 5], stopping) == 6)
    #expect(stopping.best == 5)
  }

  @Test(arguments: [
    ("val_accuracy", MonitorMode.auto, 3), ("val_acc", .auto, 3), ("auc", .auto, 3),
    ("val_loss", .auto, 2), ("val_loss", .max, 3), ("val_accuracy", .min, 2),
  ])
  func `the name tells which direction is better`(
    _ name: String, _ mode: MonitorMode, _ expected: Int
  ) throws {
    let logs: [Logs] = [1, 2, 1, 1].map { [name: $0] }
    let history = try runTraining(
      [EarlyStopping(monitor: name, patience: 1, mode: mode)], ModelStub(), epochs: logs)
    #expect(history.epoch.count == expected)
  }

  @Test func `the best weights are restored in the end`() throws {
    let model = ModelStub()
    let stopping = EarlyStopping(patience: 2, restoreBestWeights: true, verbose: true)
    let log = TextLog()
    stopping.output = log.output()
    _ = try runTraining([stopping], model, epochs: lossLogs([3, 2, 4, 5, 1]))
    #expect(model.weights == 1)
    #expect(
      log.text == """
        Epoch 4: early stopping
        Restoring model weights from the end of the best epoch: 2.

        """)

    let other = ModelStub()
    _ = try runTraining([stopping], other, epochs: lossLogs([3, 2, 4]))
    #expect(other.weights == 1, "also when training ended by itself")
  }

  @Test func `weights are not copied unless they are to be restored`() throws {
    let model = ModelStub()
    _ = try runTraining([EarlyStopping(patience: 1)], model, epochs: lossLogs([3, 2, 4]))
    #expect(model.snapshots == 0 && model.weights == 2)
  }

  @Test func `a value that is not logged is warned of once`() throws {
    let (logger, store) = WarningLog.logger()
    let stopping = EarlyStopping(monitor: "val_los")
    stopping.logger = logger
    let logs: Logs = ["loss": 1, "val_loss": 2]
    let history = try runTraining([stopping], ModelStub(), epochs: [logs, logs, logs])
    #expect(history.epoch.count == 3)
    #expect(
      store.messages.withLock { $0 } == [
        """
        warning: EarlyStopping watches "val_los", which is not logged and so has no effect; available \
        are loss, val_loss: did you mean "val_loss"?
        """
      ])
  }

  @Test(
    arguments: [
      ("patience is -1, it must be at least 0", { @Sendable in EarlyStopping(patience: -1) }),
      (
        "startFromEpoch is -2, it must be at least 0",
        { @Sendable in EarlyStopping(startFromEpoch: -2) }
      ),
      (
        "minDelta is nan, it must be a finite number",
        { @Sendable in EarlyStopping(minDelta: .nan) }
      ),
      ("baseline is nan, it must be a number", { @Sendable in EarlyStopping(baseline: .nan) }),
    ] as [(String, @Sendable () -> EarlyStopping)])
  func `arguments out of their range are errors`(
    _ text: String, _ make: @Sendable () -> EarlyStopping
  ) {
    expectError("EarlyStopping: " + text) { _ = try epochs([1], make()) }
  }

  @Test(
    arguments: [
      { EarlyStopping(monitor: "spread") }, { ReduceLROnPlateau(monitor: "spread") },
      { ModelCheckpoint(path: "a", monitor: "spread", saveBestOnly: true) },
    ] as [@Sendable () -> Callback])
  func `a name that does not tell which direction is better needs a mode`(
    _ make: @Sendable () -> Callback
  ) {
    let callback = make()
    expectError(
      "\(type(of: callback)) watches \"spread\", whose name does not tell whether more or less is "
        + "better: give mode: .max or mode: .min"
    ) { _ = try runTraining([callback], ModelStub(), epochs: [["spread": 1]]) }
  }

  @Test(arguments: [
    ("accuracy_1", true), ("val_top_k_categorical_accuracy", true), ("out/precision", true),
    ("mean_io_u", true), ("cosine_similarity", true), ("loss", false), ("head_loss_2", false),
    ("root_mean_squared_error", false), ("sparse_categorical_crossentropy", false),
  ])
  func `names of metrics tell which direction is better`(_ name: String, _ isMore: Bool) throws {
    let checkpoint = ModelCheckpoint(path: "{epoch}", monitor: name, saveBestOnly: true)
    let model = ModelStub()
    _ = try runTraining([checkpoint], model, epochs: [1, 2, 0].map { [name: $0] })
    #expect(model.saved == (isMore ? ["1", "2"] : ["1", "3"]))
  }

  @Test func `NaN is no improvement`() throws {
    #expect(try epochs([.nan, .nan, 1], EarlyStopping(patience: 2)) == 2)
  }
}
