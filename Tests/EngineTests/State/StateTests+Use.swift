import DataFiles
import Engine
import Foundation
import TestSupport
import Testing

/// Programs that do more than one thing: several calls, retries, callbacks that save, folders that move.
extension StateTests {
  // Without callbacks that write into the folder.
  private var plain: ResumeCase { ResumeCase() }

  private func states(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func message(_ body: () throws -> Void) throws -> String {
    "\(try #require(throws: EngineError.self) { try body() })"
  }

  // MARK: Several calls

  /// Two calls of `fit` with the same metrics, and others between them; the weights after the first.
  private func phases(_ folder: String, brokenAt step: Int?) throws -> (Model, between: String?) {
    let model = plain.makeModel()
    let x = randomNormal([22, 5], key: RandomKey(seed: 7, stream: 1).tensor)
    let breaks = step.map { [BreakOff(after: $0)] } ?? []
    func train() throws {
      _ = try plain.train(model, in: folder, [plain.backup(folder)] + breaks)
    }
    try train()
    let between = model.weightsSHA256
    _ = try model.evaluate(x: x, y: argmax(x[0..., 0..<3], axis: -1))
    try train()
    return (model, between)
  }

  @Test func `what metrics have counted in an earlier call is no other setting`() throws {
    try withTemporaryFile { folder in
      let (expected, between) = try phases(folder + "/undisturbed", brokenAt: nil)
      let fresh = plain.makeModel()
      let x = randomNormal([22, 5], key: RandomKey(seed: 7, stream: 1).tensor)
      let _: Tensor = try fresh.predict(x: x)
      for step in [3, 7, 9, 12, 15] {
        let path = folder + "/\(step)"
        #expect(throws: EngineError.self) { try phases(path, brokenAt: step) }
        let (model, resumed) = try phases(path, brokenAt: nil)
        #expect(model.weightsSHA256 == expected.weightsSHA256, "broken off after \(step)")
        #expect(model.trainedSteps == 16)
        // A call that was over leaves no weights that nobody has trained.
        #expect(step < 8 ? resumed == between : resumed != fresh.weightsSHA256)
      }
    }
  }

  @Test func `a call after one that failed goes on from its states, and so does the next program`()
    throws
  {
    try withTemporaryFile { folder in
      let expected = plain.makeModel()
      let history = try plain.train(expected, in: folder, [])
      let model = plain.makeModel()
      try plain.requireBreak(model, in: folder, at: 5)
      for model in [model, plain.makeModel()] {
        let resumed = try plain.train(model, in: folder, [plain.backup(folder)])
        #expect(model.weightsSHA256 == expected.weightsSHA256)
        #expect(model.trainedSteps == 8)
        #expect(resumed.history == history.history)
      }
    }
  }

  @Test func `a model that has been called takes the state of a fit`() throws {
    try withTemporaryFile { folder in
      let expected = plain.makeModel()
      _ = try plain.train(expected, in: folder, [])
      try plain.requireBreak(plain.makeModel(), in: folder, at: 6)
      let model = plain.makeModel()
      let x = randomNormal([22, 5], key: RandomKey(seed: 7, stream: 1).tensor)
      let _: Tensor = try model.predict(x: x)
      try model.restoreState(from: folder + "/state")
      #expect(model.trainedSteps == 6)
      _ = try model.evaluate(x: x, y: argmax(x[0..., 0..<3], axis: -1))
      _ = try plain.train(model, in: folder, [])
      #expect(model.weightsSHA256 == expected.weightsSHA256)
    }
  }

  // MARK: Callbacks

  @Test func `a state that is asked for at the end of the training is saved`() throws {
    try withTemporaryFile { folder in
      let model = plain.makeModel()
      let save = LambdaCallback(onTrainEnd: { [unowned model] _ in
        try model.saveState(to: folder + "/end")
      })
      let history = try plain.train(model, in: folder, [save])
      let other = plain.makeModel()
      try other.restoreState(from: folder + "/end")
      let resumed = try plain.train(other, in: folder, [])
      #expect(resumed.history == history.history)
      #expect(other.weightsSHA256 == model.weightsSHA256)
    }
  }

  @Test func `a state cannot be restored in the middle of fit, nor kept in two folders`() throws {
    try withTemporaryFile { folder in
      let model = plain.makeModel()
      _ = try plain.train(model, in: folder, [plain.backup(folder)])
      let restore = LambdaCallback(onEpochEnd: { [unowned model] _, _ in
        try model.restoreState(from: folder + "/state")
      })
      let weights = model.weightsSHA256
      let restored = try message { _ = try plain.train(model, in: folder, [restore]) }
      #expect(restored.contains("in a callback of fit"))
      let two = [BackupAndRestore(folder + "/a"), BackupAndRestore(folder + "/b")]
      let other = plain.makeModel()
      let kept = try message { _ = try plain.train(other, in: folder, two) }
      #expect(kept.contains("2 callbacks BackupAndRestore"))
      #expect(other.trainedSteps == 0 && model.weightsSHA256 != weights)
    }
  }

  /// What no structure holds.
  private final class Forgetful: Callback, StatefulCallback {
    func savedState() -> Set<Int> { [1, 2] }
    func restore(_ state: Set<Int>) {}
  }

  @Test func `a callback whose memory cannot be saved is named`() throws {
    try withTemporaryFile { folder in
      let text = try message {
        _ = try plain.train(plain.makeModel(), in: folder, [Forgetful(), plain.backup(folder)])
      }
      #expect(text.contains("what Forgetful remembers cannot be saved"))
    }
  }

  /// A state whose name has a slash, of a shape that the predictions have.
  private final class Slashed: Metric {
    struct Inputs: Decodable { let yPred: Tensor }

    init() { super.init(name: "slashed") }

    func update(_ inputs: Inputs) {
      let total = state("a/b", shape: [inputs.yPred.shape[1]])
      total.value = total.value + inputs.yPred.cast(to: .float64).sum(axis: 0)
    }

    func result() -> Tensor { sum(madeState) }
    private var madeState: Tensor { state("a/b", shape: [1]).value }
  }

  @Test func `the state of a metric may have any name`() throws {
    func train(_ folder: String, _ more: [Callback]) throws -> History {
      let model = Model(
        module: Linear(1), loss: MeanSquaredError(), metrics: [Slashed()],
        optimizer: SGD(learningRate: 0.1), seed: 2)
      let x = randomNormal([8, 3], key: RandomKey(seed: 1).tensor)
      return try model.fit(
        x: x, y: x.sum(axis: 1, keepDims: true), batchSize: 2, verbose: .silent,
        callbacks: [BackupAndRestore(folder, saveFrequency: .steps(1))] + more)
    }
    try withTemporaryFile { folder in
      let expected = try train(folder + "/undisturbed", [])
      #expect(throws: EngineError.self) { _ = try train(folder + "/a", [BreakOff(after: 2)]) }
      #expect(try train(folder + "/a", [])["slashed"] == expected["slashed"])
    }
  }

  // MARK: Folders

  @Test func `the newest states stay, whoever has saved them`() throws {
    try withTemporaryFile { folder in
      let model = plain.makeModel()
      _ = try plain.train(model, in: folder, [])
      for _ in 0..<4 { try model.saveState(to: folder + "/own", keepLast: 3) }
      #expect(
        try states(folder + "/own")
          == ["state-000000000002", "state-000000000003", "state-000000000004"])
      try plain.requireBreak(plain.makeModel(), in: folder, at: 2)
      // A rank that was killed while they found out who writes has left it.
      try "x".write(toFile: folder + "/state/.shared-x", atomically: true, encoding: .utf8)
      // The first state of the run that goes on does not cost the one that it has gone on from.
      try plain.requireBreak(plain.makeModel(), in: folder, at: 3)
      #expect(try states(folder + "/state") == ["state-000000000002", "state-000000000003"])
    }
  }

  @Test func `paths are those of the folder that the program was in`() {
    let current = FileManager.default.currentDirectoryPath
    #expect(Folders.absolute("a/é b") == current + "/a/é b")
    #expect(Folders.absolute("/a") == "/a" && Folders.absolute("") == "")
  }

  // MARK: Signals

  @Test func `a signal in the last epoch is for the next training`() throws {
    try withTemporaryFile { folder in
      let signal = LambdaCallback(onTestEnd: { _ in
        guard TrainingNotice.name == nil else { return }
        kill(getpid(), SIGUSR1)
        while TrainingNotice.name == nil { usleep(100) }
      })
      let model = plain.makeModel()
      func train(_ more: [Callback]) throws {
        _ = try plain.train(
          model, in: folder, epochs: 1, [BackupAndRestore(folder + "/state")] + more)
      }
      try train([signal])
      let error = try #require(throws: EngineError.self) { try train([]) }
      #expect(error.kind == .interrupted && model.trainedSteps == 5)
      try train([])
      #expect(model.trainedSteps == 8)
    }
  }
}
