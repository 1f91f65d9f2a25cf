import Engine
import Foundation

/// A training that is broken off and goes on from its state: as if nobody had disturbed it, on any number of ranks.
extension TrainingCheck {
  static let resuming: [TrainingCheck] = [
    TrainingCheck(name: "resume-at-every-step") {
      for step in 1..<ResumeCase.standard.totalSteps {
        try ResumeCase.standard.check(brokenAt: [step])
      }
    },
    TrainingCheck(name: "resume-with-empty-shares") {
      // The last batch of an epoch has one sample.
      let case7 = ResumeCase(batchSize: 7)
      for step in 3...5 { try case7.check(brokenAt: [step]) }
    },
    TrainingCheck(name: "resume-twice") { try ResumeCase.standard.check(brokenAt: [2, 5]) },
    TrainingCheck(name: "resume-eagerly") {
      try ResumeCase(runEagerly: true).check(brokenAt: [3])
    },
    TrainingCheck(name: "resume-from-one-writer") {
      try ResumeCase(storage: .chief).check(brokenAt: [3])
    },
    TrainingCheck(name: "resume-between-updates") {
      try ResumeCase(
        optimizer: {
          Adam(
            learningRate: CosineDecay(initialLearningRate: 0.05, decaySteps: 10),
            clipping: .globalNorm(0.5),
            options: OptimizerOptions(useEMA: true, emaMomentum: 0.5, gradientAccumulationSteps: 3))
        }
      ).check(brokenAt: [2])
    },
    TrainingCheck(name: "resume-on-fewer-ranks", run: checkFewerRanks),
    TrainingCheck(name: "resume-from-a-folder-of-its-own-name") {
      // Rank 0 alone has the files, and others call the folder otherwise.
      try ResumeCase(hasPrivateFolders: true).check(brokenAt: [3])
    },
    TrainingCheck(name: "resume-before-the-end-that-was-asked-for") {
      // Several ranks end a step after it.
      let asks = ResumeCase(callbacks: { _ in [StopAfter(3)] })
      if communicator.size > 1 { try asks.check(brokenAt: [3]) }
      try asks.check(brokenAt: [2])
    },
    TrainingCheck(name: "states-in-callbacks", run: checkStatesInCallbacks),
  ]
}

/// What a training that is broken off consists of.
public struct ResumeCase: Sendable {
  private let runEagerly: Bool
  private let storage: BackupAndRestore.Storage
  private let optimizer: @Sendable () -> Optimizer
  /// Callbacks of a run, which may write into its folder.
  private let callbacks: @Sendable (_ folder: String) -> [Callback]
  private let epochs: Int
  private let batchSize: Int
  private let hasPrivateFolders: Bool

  /// With callbacks that remember something.
  public static let standard = ResumeCase(callbacks: { folder in
    [
      ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 1, minDelta: 10),
      EarlyStopping(monitor: "loss", patience: 5, restoreBestWeights: true),
      CSVLogger(path: folder + "/log.csv"),
      ModelCheckpoint(
        path: folder + "/best.safetensors", monitor: "val_loss", saveBestOnly: true),
    ]
  })

  /// A case of a model with this optimizer.
  public init(
    runEagerly: Bool = false, storage: BackupAndRestore.Storage = .auto,
    optimizer: @escaping @Sendable () -> Optimizer = { SGD(learningRate: 0.1, momentum: 0.9) },
    callbacks: @escaping @Sendable (_ folder: String) -> [Callback] = { _ in [] }, epochs: Int = 2,
    batchSize: Int = 6, hasPrivateFolders: Bool = false
  ) {
    self.batchSize = batchSize
    self.hasPrivateFolders = hasPrivateFolders
    (self.runEagerly, self.storage, self.optimizer) = (runEagerly, storage, optimizer)
    (self.callbacks, self.epochs) = (callbacks, epochs)
  }

  static let rows = 22

  /// Steps of the whole training: the last of an epoch has 4 samples.
  public var totalSteps: Int { 4 * epochs }

  /// Batch normalization, dropout, a loss and a value that the module adds, and a count that ranks add up.
  private final class Network: Module {
    func call(_ x: Tensor) -> Tensor {
      let hidden = Dropout(0.25)(BatchNormalization(momentum: 0.5)(Linear(8, activation: .tanh)(x)))
      addLoss("activity", mean(square(hidden)) * 0.01)
      addMetric("spread", mean(abs(hidden)))
      let seen = variable("seen", kind: .batchStatistic, dtype: .int64, combine: .sum)
      if isTraining { seen.value = seen.value + Tensor(Int64(x.shape[0]), dtype: .int64) }
      return Linear(3)(hidden)
    }
  }

  /// A model with a metric of each way of counting.
  public func makeModel() -> Model {
    Model(
      module: Network(), loss: SparseCategoricalCrossentropy(fromLogits: true),
      metrics: [SparseCategoricalAccuracy(name: "accuracy"), SparseTopKCategoricalAccuracy(k: 2)],
      optimizer: optimizer(), seed: 3, runEagerly: runEagerly)
  }

  /// A run with these callbacks besides those of the case.
  @discardableResult
  public func train(
    _ model: Model, in folder: String, epochs: Int? = nil, first: [Callback] = [],
    _ more: [Callback]
  ) throws -> History {
    let x = randomNormal([Self.rows, 5], key: RandomKey(seed: 7, stream: 1).tensor)
    let w = randomNormal([5, 3], key: RandomKey(seed: 7, stream: 2).tensor)
    let y = argmax(matmul(x, w), axis: -1)
    return try model.fit(
      x: x, y: y, batchSize: batchSize, epochs: epochs ?? self.epochs, verbose: .silent,
      callbacks: first + callbacks(folder) + more,
      validationData: ValidationData(x: x[0..<7], y: y[0..<7]))
  }

  /// What keeps states in a folder, one after each step.
  public func backup(_ folder: String) -> BackupAndRestore {
    let name = hasPrivateFolders ? "/state of rank \(communicator.rank)" : "/state"
    return BackupAndRestore(folder + name, saveFrequency: .steps(1), storage: storage)
  }

  /// Breaks a training off after each of these steps, counted over all, and lets it go on: the end must have the bits of one that was not.
  public func check(brokenAt steps: [Int]) throws {
    let undisturbed = try sharedFolder()
    let expected = makeModel()
    let history = try train(expected, in: undisturbed, [])
    let folder = try sharedFolder()
    for step in steps {
      try requireBreak(makeModel(), in: folder, at: step)
    }
    let model = makeModel()
    let resumed = try train(model, in: folder, [backup(folder)])
    let place = "broken off after steps \(steps)"
    try requireEqual(model.weightsSHA256, expected.weightsSHA256, "the weights, \(place)")
    try requireEqual(model.trainedSteps, expected.trainedSteps, "steps, \(place)")
    try requireEqual(resumed.epoch, history.epoch, "epochs, \(place)")
    try requireEqual(Array(resumed.history.keys), Array(history.history.keys), "names, \(place)")
    for (name, values) in history.history {
      try requireEqual(resumed[name], values, "\(name), \(place)")
    }
    if communicator.rank == 0 {
      for name in ["log.csv", "best.safetensors"] {
        let bytes = FileManager.default.contents(atPath: "\(undisturbed)/\(name)")
        let other = FileManager.default.contents(atPath: "\(folder)/\(name)")
        try require(bytes == other, "\(name) differs, \(place)")
      }
    }
    try communicator.barrier()
    try remove([folder, undisturbed])
  }

  /// Trains until an error after a step, counted over all.
  public func requireBreak(_ model: Model, in folder: String, at step: Int) throws {
    let error = try requireError("a training that is broken off") {
      try train(model, in: folder, [backup(folder), BreakOff(after: step)])
    }
    try require("\(error)".contains(BreakOff.text), "it ended otherwise: \(error)")
  }
}

/// Asks for the end of a training after a step, counted over all.
private final class StopAfter: Callback {
  private let step: Int

  init(_ step: Int) { self.step = step }

  override func onTrainBatchEnd(_ step: Int, logs: Logs) {
    if (model as? Model)?.trainedSteps == self.step { model?.stopTraining = true }
  }
}

/// Ends a training with an error in the step after the given one, counted over all.
public final class BreakOff: Callback {
  static let text = "broken off on purpose"
  private let step: Int

  /// Ends it in the step after `step`.
  public init(after step: Int) { self.step = step }

  public override func onTrainBatchEnd(_ step: Int, logs: Logs) throws {
    if (model as? Model)?.trainedSteps ?? 0 > self.step {
      throw EngineError.invalidArgument(message: "\(Self.text)")
    }
  }
}

/// A fresh folder that all ranks know.
func sharedFolder() throws -> String {
  let own = FileManager.default.temporaryDirectory.path + "/apus-\(UUID().uuidString)"
  let folder = try communicator.broadcast(text: own)
  if communicator.rank == 0 {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }
  try communicator.barrier()
  return folder
}

private func remove(_ folders: [String]) throws {
  guard communicator.rank == 0 else { return }
  for folder in folders { try FileManager.default.removeItem(atPath: folder) }
}

/// The state of N ranks on one, and that of one on N: the same samples, each once, and weights within rounding.
private func checkFewerRanks() throws {
  // Statistics of shares, and noise of whole batches: without batch normalization N ranks are one process.
  func make() -> Model {
    Model(
      module: Sequential(Linear(8, activation: .tanh), Dropout(0.25), Linear(1)),
      loss: MeanSquaredError(),
      metrics: [MeanAbsoluteError2()],
      optimizer: Adam(
        learningRate: 0.02, options: OptimizerOptions(gradientAccumulationSteps: 3)), seed: 3)
  }
  let x = randomNormal([22, 5], key: RandomKey(seed: 7, stream: 1).tensor)
  func train(_ model: Model, _ callbacks: [Callback]) throws -> History {
    try model.fit(
      x: x, y: x.sum(axis: 1, keepDims: true), batchSize: 6, epochs: 2, verbose: .silent,
      callbacks: callbacks)
  }
  let exact = FixedStrategy(communicator, lossScaling: .globalBatch)
  func together<R>(_ body: () throws -> R) throws -> R {
    try DistributionContext.$strategy.withValue(exact, operation: body)
  }
  let single = SingleProcess(lossScaling: .globalBatch)
  func apart<R>(_ body: () throws -> R) throws -> R {
    try DistributionContext.$strategy.withValue(single, operation: body)
  }
  let expected = make()
  let history = try apart { try train(expected, []) }
  for step in [1, 3, 4, 6] {
    for isFewer in [true, false] {
      let folder = try sharedFolder()
      func backup() -> BackupAndRestore {
        BackupAndRestore(folder, saveFrequency: .steps(1))
      }
      func breakOff() throws {
        _ = try requireError("a training that is broken off") {
          _ = try train(make(), [backup(), BreakOff(after: step)])
        }
      }
      if isFewer {
        try together(breakOff)
      } else if communicator.rank == 0 {
        try apart(breakOff)
      }
      try communicator.barrier()
      func goOn() throws {
        let model = make()
        let resumed = try train(model, [backup()])
        try requireSameWeights(model, expected, tolerance: 1e-5)
        for name in ["loss", "error"] {
          for (a, b) in zip(resumed[name], history[name]) {
            try require(abs(a - b) <= 1e-6 * abs(b), "\(name) is \(a), one process says \(b)")
          }
        }
      }
      if !isFewer {
        try together(goOn)
      } else if communicator.rank == 0 {
        try apart(goOn)
      }
      try communicator.barrier()
      try remove([folder])
    }
  }
}

/// Counts samples and the largest error: states that are added up, and one that is not.
private final class MeanAbsoluteError2: Metric {
  struct Inputs: Decodable {
    let yTrue: Tensor
    let yPred: Tensor
  }

  init() { super.init(name: "error") }

  func update(_ inputs: Inputs) {
    let errors = abs(inputs.yTrue - inputs.yPred).cast(to: .float64)
    let (total, count) = (state("total"), state("count", dtype: .int64))
    let largest = state("largest", combine: .max)
    total.value = total.value + sum(errors)
    count.value = count.value + Tensor(Int64(errors.shape[0]), dtype: .int64)
    largest.value = maximum(largest.value, max(errors))
  }

  func result() -> Tensor {
    state("total").value / state("count", dtype: .int64).value.cast(to: .float64)
      + state("largest", combine: .max).value
  }
}

/// `saveState` in a callback: the state after all callbacks of the moment, from which another model goes on.
private func checkStatesInCallbacks() throws {
  let folder = try sharedFolder()
  let both = ResumeCase.standard
  let expected = both.makeModel()
  let save = LambdaCallback(
    onTrainBatchEnd: { [unowned expected] step, _ in
      if step == 1 { try expected.saveState(to: folder + "/\(expected.trainedEpochs)") }
    })
  // First in the list: those behind it have not counted the step when it is called.
  let history = try both.train(expected, in: folder, first: [save], [])
  for epoch in [1, 2] {
    let model = both.makeModel()
    try model.restoreState(from: folder + "/\(epoch)")
    let resumed = try both.train(model, in: folder, [])
    try requireEqual(model.weightsSHA256, expected.weightsSHA256, "the weights")
    try requireEqual(resumed["loss"], history["loss"], "losses")
  }
  try communicator.barrier()
  try remove([folder])
}
