import DataFiles
import Engine
import Foundation
import TestSupport
import Testing

@Suite("States of a training", .seeded, .serialized)
struct StateTests {
  private let resume = ResumeCase.standard

  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  // MARK: What comes back

  /// Schedules, slots of every kind, averages, accumulated gradients, clipping.
  private static let everyOptimizer: [(String, @Sendable () -> Optimizer)] = {
    let schedule = CosineDecay(
      initialLearningRate: 0.01, decaySteps: 6, warmupTarget: 0.05, warmupSteps: 2)
    let some = OptimizerOptions(
      useEMA: true, emaMomentum: 0.5, emaOverwriteFrequency: 3, gradientAccumulationSteps: 3)
    return [
      ("SGD", { SGD(learningRate: schedule, momentum: 0.9, nesterov: true) }),
      ("Adam", { Adam(learningRate: schedule, amsgrad: true, options: some) }),
      ("AdamW", { AdamW(learningRate: 0.01, clipping: .globalNorm(0.5)) }),
      ("Nadam", { Nadam(learningRate: 0.01) }), ("Adamax", { Adamax(learningRate: 0.01) }),
      ("RMSprop", { RMSprop(learningRate: 0.01, momentum: 0.5, centered: true) }),
      ("Adagrad", { Adagrad(learningRate: 0.1) }), ("Adadelta", { Adadelta(learningRate: 1) }),
      ("Ftrl", { Ftrl(learningRate: 0.1, l1RegularizationStrength: 0.01) }),
      ("Lion", { Lion(learningRate: 0.01, options: some) }), ("Lamb", { Lamb(learningRate: 0.01) }),
      ("LARS", { LARS(learningRate: 0.1) }), ("Adafactor", { Adafactor(learningRate: 0.01) }),
      ("Muon", { Muon(learningRate: 0.01) }),
      ("ScheduleFreeAdamW", { ScheduleFreeAdamW(learningRate: 0.01, warmupSteps: 3) }),
    ]
  }()

  @Test("Every optimizer goes on with the same bits", arguments: everyOptimizer.indices)
  func optimizers(_ index: Int) throws {
    let (name, optimizer) = Self.everyOptimizer[index]
    #expect(throws: Never.self, "\(name)") {
      try ResumeCase(optimizer: optimizer).check(brokenAt: [2, 5])
    }
  }

  @Test func `all optimizers are among them`() throws {
    #expect(Set(Self.everyOptimizer.map(\.0)) == Set(OptimizerTable.rows.keys))
  }

  @Test func `a training goes on to more epochs than it was begun with`() throws {
    try withTemporaryFile { folder in
      let expected = resume.makeModel()
      let history = try resume.train(expected, in: folder + "/a", epochs: 3, [])
      _ = try resume.train(resume.makeModel(), in: folder + "/b", [resume.backup(folder + "/b")])
      let model = resume.makeModel()
      let resumed = try resume.train(
        model, in: folder + "/b", epochs: 3, [resume.backup(folder + "/b")])
      #expect(model.weightsSHA256 == expected.weightsSHA256)
      #expect(resumed["loss"] == history["loss"] && resumed.epoch == [0, 1, 2])
    }
  }

  @Test func `a training that was over is not trained again`() throws {
    try withTemporaryFile { folder in
      let first = resume.makeModel()
      let history = try resume.train(first, in: folder, [resume.backup(folder)])
      let model = resume.makeModel()
      let again = try resume.train(model, in: folder, [resume.backup(folder)])
      #expect(model.weightsSHA256 == first.weightsSHA256 && model.trainedSteps == 8)
      #expect(again["val_loss"] == history["val_loss"])
    }
  }

  @Test func `a training that a callback has ended stays ended, unless more epochs are asked for`()
    throws
  {
    let stopping = ResumeCase(
      callbacks: { _ in [EarlyStopping(monitor: "loss", minDelta: 100, patience: 1)] }, epochs: 5)
    try withTemporaryFile { folder in
      let first = stopping.makeModel()
      #expect(try stopping.train(first, in: folder, [stopping.backup(folder)]).epoch == [0, 1])
      let model = stopping.makeModel()
      #expect(try stopping.train(model, in: folder, [stopping.backup(folder)]).epoch == [0, 1])
      #expect(model.weightsSHA256 == first.weightsSHA256)
      let more = stopping.makeModel()
      let history = try stopping.train(more, in: folder, epochs: 6, [stopping.backup(folder)])
      // Patience had run out already.
      #expect(history.epoch == [0, 1, 2])
    }
  }

  /// Which parameters are trained changes between calls of `fit`, and in callbacks.
  private func twoPhases(_ folder: String, brokenAt step: Int?) throws -> Model {
    let (features, head) = (Linear(4, activation: .tanh), Linear(1))
    let model = Model(
      module: Sequential(features, head), loss: MeanSquaredError(),
      optimizer: Adam(learningRate: 0.01),
      seed: 5)
    let x = randomNormal([12, 3], key: RandomKey(seed: 1).tensor)
    let breaks = step.map { [BreakOff(after: $0)] } ?? []
    for phase in 0..<2 {
      if phase == 0 { features.freeze() } else { features.unfreeze() }
      try model.fit(
        x: x, y: x.sum(axis: 1, keepDims: true), batchSize: 4, epochs: 2, verbose: .silent,
        callbacks: [BackupAndRestore(folder, saveFrequency: .steps(1))] + breaks)
    }
    return model
  }

  @Test func `a program of several calls of fit goes on in the right one`() throws {
    try withTemporaryFile { folder in
      let expected = try twoPhases(folder + "/undisturbed", brokenAt: nil)
      for step in 1..<12 {
        let path = folder + "/\(step)"
        #expect(throws: EngineError.self) { try twoPhases(path, brokenAt: step) }
        let model = try twoPhases(path, brokenAt: nil)
        #expect(model.weightsSHA256 == expected.weightsSHA256, "broken off after \(step)")
        #expect(model.trainedSteps == 12)
      }
    }
  }

  @Test func `layers that a callback unfreezes stay so`() throws {
    func train(_ folder: String, brokenAt step: Int?) throws -> Model {
      let features = Linear(4, activation: .tanh)
      features.freeze()
      let model = Model(
        module: Sequential(features, Linear(1)), loss: MeanSquaredError(),
        optimizer: Adam(learningRate: 0.01), seed: 5)
      let x = randomNormal([12, 3], key: RandomKey(seed: 1).tensor)
      let unfreeze = LambdaCallback(onEpochBegin: { epoch, _ in
        if epoch == 1 { features.unfreeze() }
      })
      try model.fit(
        x: x, y: x.sum(axis: 1, keepDims: true), batchSize: 4, epochs: 4, verbose: .silent,
        callbacks: [unfreeze, BackupAndRestore(folder, saveFrequency: .steps(1))]
          + (step.map { [BreakOff(after: $0)] } ?? []))
      return model
    }
    try withTemporaryFile { folder in
      let expected = try train(folder + "/undisturbed", brokenAt: nil)
      for step in [2, 3, 4, 6, 7, 9, 11] {
        #expect(throws: EngineError.self) { try train(folder + "/\(step)", brokenAt: step) }
        let model = try train(folder + "/\(step)", brokenAt: nil)
        #expect(model.weightsSHA256 == expected.weightsSHA256, "broken off after \(step)")
      }
    }
  }

  @Test func `a schedule of epochs, and a rate that a callback multiplies, go on`() throws {
    let halving = ResumeCase(
      callbacks: { _ in [LearningRateScheduler { epoch, rate in epoch == 0 ? rate : rate / 2 }] },
      epochs: 3)
    for step in [3, 4, 5, 7, 8, 9] { try halving.check(brokenAt: [step]) }
  }

  @Test func `weights are exchanged with averages across a break at the end of an epoch`() throws {
    let averaging = ResumeCase(
      optimizer: {
        Adam(learningRate: 0.02, options: OptimizerOptions(useEMA: true, emaMomentum: 0.5))
      },
      callbacks: { _ in [SwapEMAWeights(swapOnEpoch: true)] }, epochs: 3)
    for step in [3, 4, 5, 8] { try averaging.check(brokenAt: [step]) }
  }

  /// Tensors, optionals, dictionaries, what is no number.
  private final class Memory: Callback, StatefulCallback {
    struct SavedState: Codable, Equatable {
      var numbers: [Double] = []
      var text: [String: String] = [:]
      var tensors: [Tensor] = []
      var nothing: Int?

      static func == (a: Self, b: Self) -> Bool {
        func bits(_ state: Self) -> [[UInt32]] {
          state.tensors.map { $0.scalars(as: Float.self).map(\.bitPattern) }
        }
        return a.numbers.map(\.bitPattern) == b.numbers.map(\.bitPattern) && a.text == b.text
          && bits(a) == bits(b)
      }
    }

    var state = SavedState()

    override func onTrainBegin(logs: Logs) { state = SavedState() }

    override func onTrainBatchEnd(_ step: Int, logs: Logs) {
      state.numbers += [Double(step) / 3, .nan, -.infinity, -0.0, .leastNonzeroMagnitude]
      state.text["step \(step)"] = "\"é\u{0}\n"
      state.tensors.append(Tensor([Float(step), .nan]))
    }

    func savedState() -> SavedState { state }
    func restore(_ state: SavedState) { self.state = state }
  }

  @Test func `a callback gets back what it remembered, with all bits`() throws {
    try withTemporaryFile { folder in
      let expected = Memory()
      _ = try resume.train(resume.makeModel(), in: folder + "/a", [expected])
      #expect(throws: EngineError.self) {
        _ = try resume.train(
          resume.makeModel(), in: folder, [Memory(), resume.backup(folder), BreakOff(after: 5)])
      }
      let memory = Memory()
      _ = try resume.train(resume.makeModel(), in: folder, [memory, resume.backup(folder)])
      #expect(memory.state == expected.state)
      #expect(memory.state.tensors.count == 8)
    }
  }

  @Test func `a loop of one's own goes on, with what metrics have counted`() throws {
    func model() -> Model {
      Model(
        module: Sequential(Linear(4), Dropout(0.5), Linear(1)), loss: MeanSquaredError(),
        optimizer: Adam(learningRate: 0.05), seed: 2)
    }
    let x = randomNormal([6, 3], key: RandomKey(seed: 1).tensor)
    let y = x.sum(axis: 1, keepDims: true)
    try withTemporaryFile { folder in
      let expected = model()
      var logs: [Logs] = []
      for step in 0..<6 {
        logs.append(try expected.trainOnBatch(x: x, y: y, resetMetrics: step == 0))
        if step == 2 { try expected.saveState(to: folder) }
      }
      // Before and after the first batch has made the variables.
      for isBuilt in [false, true] {
        let resumed = model()
        if isBuilt { _ = try resumed.trainOnBatch(x: x, y: y) }
        try resumed.restoreState(from: folder)
        for step in 3..<6 {
          #expect(try resumed.trainOnBatch(x: x, y: y, resetMetrics: false) == logs[step])
        }
        #expect(resumed.weightsSHA256 == expected.weightsSHA256)
      }
    }
  }

  @Test func `a restored model predicts before it is trained`() throws {
    try withTemporaryFile { folder in
      let trained = resume.makeModel()
      _ = try resume.train(trained, in: folder, [resume.backup(folder)])
      let x = randomNormal([4, 5], key: RandomKey(seed: 9).tensor)
      let expected: Tensor = try trained.predict(x: x)
      let model = resume.makeModel()
      try model.restoreState(from: folder + "/state")
      let predicted: Tensor = try model.predict(x: x)
      #expect(predicted.scalars(as: Float.self) == expected.scalars(as: Float.self))
    }
  }

  // MARK: Folders

  @Test func `weights of a state are one plain file, and retention keeps what it is asked for`()
    throws
  {
    try withTemporaryFile { folder in
      let plain = ResumeCase()
      let model = plain.makeModel()
      let backup = BackupAndRestore(
        folder + "/state", saveFrequency: .steps(1), keepLast: 3, keepBest: "loss", keepEvery: 4)
      _ = try plain.train(model, in: folder, epochs: 4, [backup])
      // 16 steps and 4 epochs are 20 states; steps 4, 8, 12 and 16 stay for good.
      let kept = try names(folder + "/state")
      #expect(kept.suffix(3) == ["state-000000000018", "state-000000000019", "state-000000000020"])
      #expect(kept.dropLast(3).contains("state-000000000004"))
      #expect(kept.dropLast(3).contains("state-000000000009"))
      #expect((6...7).contains(kept.count))
      let path = folder + "/state/state-000000000020/weights.safetensors"
      let other = resume.makeModel()
      let x = randomNormal([4, 5], key: RandomKey(seed: 9).tensor)
      let _: Tensor = try other.predict(x: x)
      try other.loadWeights(from: path)
      #expect(other.weightsSHA256 == model.weightsSHA256)
    }
  }

  @Test func `a damaged state is passed over for the one before`() throws {
    try withTemporaryFile { folder in
      let expected = resume.makeModel()
      _ = try resume.train(expected, in: folder + "/undisturbed", [])
      try resume.requireBreak(resume.makeModel(), in: folder, at: 6)
      let newest = try #require(try names(folder + "/state").last)
      let path = "\(folder)/state/\(newest)/weights.safetensors"
      var bytes = try #require(FileManager.default.contents(atPath: path))
      bytes[bytes.count - 5] ^= 16
      try bytes.write(to: URL(fileURLWithPath: path))
      let model = resume.makeModel()
      _ = try resume.train(model, in: folder, [resume.backup(folder)])
      #expect(model.weightsSHA256 == expected.weightsSHA256)
      #expect(model.trainedSteps == 8)
    }
  }

  // MARK: Errors

  @Test func `what cannot be restored is an error that says why, and changes nothing`() throws {
    try withTemporaryFile { folder in
      try resume.requireBreak(resume.makeModel(), in: folder, at: 2)
      func error(_ what: (Model) throws -> Void, _ model: Model) throws -> String {
        let (before, isBuilt) = (model.weightsSHA256, model.module.isInitialized)
        let error = try #require(throws: EngineError.self) { try what(model) }
        #expect(model.trainedSteps == 0 && (!isBuilt || model.weightsSHA256 == before))
        return "\(error)"
      }
      let x = randomNormal([22, 5], key: RandomKey(seed: 7, stream: 1).tensor)
      // Another optimizer.
      let other = ResumeCase(optimizer: { Adam(learningRate: 0.1) }, callbacks: { _ in [] })
      #expect(
        try error(
          { _ = try other.train($0, in: folder, [other.backup(folder)]) }, other.makeModel()
        )
        .contains("optimizer was SGD and is Adam"))
      // Another batch size, other data.
      let text = try error(
        {
          try $0.fit(
            x: x, y: argmax(x[0..., 0..<3], axis: -1), batchSize: 11, verbose: .silent,
            callbacks: [resume.backup(folder)])
        }, resume.makeModel())
      #expect(text.contains("batchSize was 6 and is 11") && text.contains("isStrict: false"))
      // Another shape.
      let wide = Model(
        module: Linear(3), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
      let _: Tensor = try wide.predict(x: x)
      #expect(
        try error({ try $0.restoreState(from: folder + "/state", isStrict: false) }, wide)
          .contains("does not fit the model"))
      // Nothing there, something else there.
      #expect(
        try error({ try $0.restoreState(from: folder + "/nowhere") }, wide)
          .contains("there is no state of a training"))
      try "x".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
      _ = try error({ try $0.restoreState(from: folder + "/file") }, wide)
      _ = try error({ try $0.saveState(to: folder + "/file") }, wide)
      #expect(
        try error({ try $0.saveState(to: "") }, wide).contains("the folder is empty"))
      #expect(
        try error({ try $0.saveState(to: folder, keepLast: 0) }, wide).contains("keepLast is 0"))
      let fresh = Model(module: Linear(3), loss: MeanSquaredError())
      #expect(
        try #require(throws: EngineError.self) { try fresh.saveState(to: folder) }.description
          .contains("before the first batch"))
    }
  }

  @Test func `with other settings the epoch begins anew, where that is asked for`() throws {
    try withTemporaryFile { folder in
      try resume.requireBreak(resume.makeModel(), in: folder, at: 6)
      let x = randomNormal([22, 5], key: RandomKey(seed: 7, stream: 1).tensor)
      let model = resume.makeModel()
      try model.fit(
        x: x, y: argmax(x[0..., 0..<3], axis: -1), batchSize: 11, epochs: 2, verbose: .silent,
        callbacks: [BackupAndRestore(folder + "/state", isStrict: false)])
      // Six steps before, and the two of the second epoch.
      #expect(model.trainedSteps == 8)
    }
  }

  @Test(arguments: [BackupAndRestore.FailurePolicy.stop, .warn])
  func `a folder that is lost ends the training or does not, as asked`(
    _ policy: BackupAndRestore.FailurePolicy
  ) throws {
    try withTemporaryFile { folder in
      let path = folder + "/state"
      let lose = LambdaCallback(onEpochBegin: { epoch, _ in
        guard epoch == 1 else { return }
        // A state may be on its way there.
        repeat {
          _ = rename(path, path + "-\(UUID().uuidString)")
        } while !FileManager.default
          .createFile(atPath: path, contents: Data("in the way".utf8))
      })
      let model = resume.makeModel()
      func train() throws {
        _ = try resume.train(
          model, in: folder, [BackupAndRestore(path, onFailure: policy), lose])
      }
      switch policy {
      case .warn:
        try train()
        #expect(model.trainedSteps == 8)
      case .stop:
        let error = try #require(throws: EngineError.self) { try train() }
        #expect("\(error)".contains(path))
      }
    }
  }

  @Test func `a folder that cannot be made is an error before the first step`() throws {
    let model = resume.makeModel()
    let error = try #require(throws: EngineError.self) {
      _ = try resume.train(model, in: "/dev/null", [BackupAndRestore("/dev/null/state")])
    }
    #expect("\(error)".contains("/dev/null") && model.trainedSteps == 0)
  }

  @Test(
    arguments: [
      (BackupAndRestore(""), "folder"),
      (BackupAndRestore("x", saveFrequency: .steps(0)), "saveFrequency"),
      (BackupAndRestore("x", saveInterval: 0), "saveInterval"),
      (BackupAndRestore("x", keepLast: 0), "keepLast"),
      (BackupAndRestore("x", keepEvery: 0), "keepEvery"),
    ].map { UncheckedCallback(callback: $0, name: $1) })
  func `arguments out of their range are errors`(_ row: UncheckedCallback) throws {
    let error = try #require(throws: EngineError.self) {
      _ = try resume.train(resume.makeModel(), in: "/dev/null", [row.callback])
    }
    #expect("\(error)".contains("BackupAndRestore: \(row.name)"))
  }

  /// Arguments are made in one task and used in another one after that.
  struct UncheckedCallback: @unchecked Sendable, CustomStringConvertible {
    let callback: BackupAndRestore
    let name: String

    var description: String { name }
  }

  // MARK: Signals

  @Test(arguments: [SIGTERM, SIGUSR1, SIGINT])
  func `a signal saves the state and ends the training, which goes on later`(_ number: Int32) throws
  {
    try withTemporaryFile { folder in
      let expected = resume.makeModel()
      _ = try resume.train(expected, in: folder + "/undisturbed", [])
      let backup = BackupAndRestore(folder + "/state")
      let signal = LambdaCallback(onTrainBatchEnd: { step, _ in
        guard step == 1, TrainingNotice.name == nil else { return }
        kill(getpid(), number)
        // It comes to a thread that takes signals, which this one need not be.
        while TrainingNotice.name == nil { usleep(100) }
      })
      let model = resume.makeModel()
      let error = try #require(throws: EngineError.self) {
        _ = try resume.train(model, in: folder, [signal, backup])
      }
      #expect(error.kind == .interrupted && "\(error)".contains(folder + "/state"))
      #expect(model.trainedSteps == 2)
      let resumed = resume.makeModel()
      _ = try resume.train(resumed, in: folder, [BackupAndRestore(folder + "/state")])
      #expect(resumed.weightsSHA256 == expected.weightsSHA256)
    }
  }
}
