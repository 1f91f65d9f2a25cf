import Engine
import Foundation
import TestSupport
import Testing

/// Callbacks as programs use them, with a real model.
@Suite(.seeded) struct CallbackUseTests {
  private static let x = randomNormal([24, 3], key: RandomKey(seed: 2))
  private static let y = x.sum(axis: 1, keepDims: true)

  private static func model() -> Model {
    Model(
      module: Linear(1), loss: MeanSquaredError(), metrics: [Metrics.MeanAbsoluteError()],
      optimizer: SGD(learningRate: 0.05), seed: 6)
  }

  @discardableResult
  private static func train(
    _ model: Model, _ callbacks: [Callback], from first: Int? = nil, epochs: Int = 3
  ) throws -> History {
    try model.fit(
      x: x, y: y, batchSize: 8, epochs: epochs, verbose: .silent, callbacks: callbacks,
      validationData: ValidationData(x: x, y: y), initialEpoch: first)
  }

  @Test func `a run that was broken off goes on from its last checkpoint, in the same log`() throws
  {
    let folder = TemporaryFolder.path("resumed-\(UUID().uuidString)")
    let (weights, log) = (folder + "/weights/last.safetensors", folder + "/logs/log.csv")
    func callbacks() -> [Callback] {
      [ModelCheckpoint(path: weights), CSVLogger(path: log, append: true)]
    }
    let whole = try Self.train(Self.model(), [], epochs: 5)
    let stopped = Self.model()
    let breaking = LambdaCallback(onTrainBatchEnd: { _, _ in
      if stopped.trainedEpochs == 3 { throw EngineError.model(message: "the power is gone") }
    })
    expectError("the power is gone") {
      try Self.train(stopped, callbacks() + [breaking], epochs: 5)
    }
    let resumed = Self.model()
    _ = try resumed.evaluate(x: Self.x, y: Self.y)
    try resumed.loadWeights(from: weights)
    try Self.train(resumed, callbacks(), from: 2, epochs: 5)
    let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
    #expect(lines[0] == "epoch,loss,mean_absolute_error,val_loss,val_mean_absolute_error")
    #expect(lines.dropFirst().map { $0.prefix { $0 != "," } } == ["0", "1", "2", "3", "4"])
    for (line, loss) in zip(lines.dropFirst(), whole["loss"]) {
      let cells = line.split(separator: ",")
      #expect(Double(cells[1]) == loss, "SGD remembers nothing: the numbers are those of one run")
    }
  }

  @Test func `the best of a run is not overwritten by a worse one of the next`() throws {
    let path = TemporaryFolder.path("best-\(UUID().uuidString).safetensors")
    let model = Self.model()
    let first = ModelCheckpoint(path: path, saveBestOnly: true)
    let history = try Self.train(model, [first])
    #expect(first.best == history["val_loss"].min())
    let again = ModelCheckpoint(
      path: path, saveBestOnly: true, initialValueThreshold: first.best)
    try Self.train(Self.model(), [again], epochs: 2)
    #expect(again.lastPath == nil)
    let best = Self.model()
    _ = try best.evaluate(x: Self.x, y: Self.y)
    try best.loadWeights(from: path)
    #expect(try best.evaluate(x: Self.x, y: Self.y, batchSize: 8)["loss"] == first.best)
  }

  @Test func `a folder that is in the way is named`() throws {
    let folder = TemporaryFolder.path("way-\(UUID().uuidString)")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for callback in [ModelCheckpoint(path: folder), CSVLogger(path: folder)] as [Callback] {
      expectError(folder) { try Self.train(Self.model(), [callback]) }
    }
  }

  @Test(.enabled(if: geteuid() != 0, "not run: root may write everywhere"))
  func `a folder that is read-only is named`() throws {
    let folder = TemporaryFolder.path("fixed-\(UUID().uuidString)")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    chmod(folder, 0o555)
    for callback in [
      ModelCheckpoint(path: folder + "/a/w"), ModelCheckpoint(path: folder + "/w"),
      CSVLogger(path: folder + "/log.csv"),
    ] as [Callback] {
      expectError("Permission denied") { try Self.train(Self.model(), [callback]) }
    }
  }

  @Test(
    arguments: [
      { EarlyStopping(monitor: "val_mean_absolut_error") },
      {
        ModelCheckpoint(
          path: TemporaryFolder.path("misspelt"), monitor: "val_mean_absolut_error",
          saveBestOnly: true)
      },
    ] as [@Sendable () -> Callback])
  func `a misspelt value is answered with those that there are`(
    _ make: @Sendable () -> Callback
  ) throws {
    let (logger, store) = WarningLog.logger()
    let callback = make()
    callback.logger = logger
    try Self.train(Self.model(), [callback])
    let warnings = store.messages.withLock { $0 }
    #expect(warnings.count == 1)
    #expect(
      warnings.first?.hasSuffix(
        "available are loss, mean_absolute_error, val_loss, val_mean_absolute_error: did you mean "
          + "\"val_mean_absolute_error\"?") == true, "\(warnings)")
  }

  @Test func `a picture of a run has all that was logged`() throws {
    let path = TemporaryFolder.path("run-\(UUID().uuidString)/history.svg")
    let history = try Self.train(Self.model(), [ReduceLROnPlateau()])
    try history.plot(to: path)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for name in ["loss", "mean_absolute_error", "learning_rate"] {
      #expect(text.contains(">\(name)</text>"))
    }
  }
}
