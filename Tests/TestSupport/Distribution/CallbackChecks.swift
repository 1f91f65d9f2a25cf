import Engine
import Foundation
import Monitoring

/// A callback on any number of ranks: a new one is a new row. Every rank runs the check, inside a strategy.
public struct CallbackCheck: Sendable, CustomStringConvertible {
  /// A callback of this rank, and what must be true of it after a training.
  struct Made {
    let callback: Callback
    /// Throws unless it has done what it must; asked on every rank.
    var check: (_ isChief: Bool, _ history: History) throws -> Void = { _, _ in }
  }

  /// The name of the type.
  let name: String
  /// Whether some of the data are NaN, and nobody but the callback looks.
  var hasNaN = false
  /// Whether the optimizer keeps averages of the weights.
  var useEMA = false
  /// How many of 4 epochs run.
  var epochs = 4
  /// The files below the folder of rank 0, after a training; digits are `#`. No other rank writes any.
  var files: [String] = []
  /// Makes the callback, which writes to a folder that does not exist yet.
  let make: @Sendable (_ folder: String) throws -> Made

  /// The name.
  public var description: String { name }

  /// One of each type.
  public static let all: [CallbackCheck] = [
    // Each rank has a folder of its own name, so that rank 0 writes everything.
    CallbackCheck(name: "BackupAndRestore") { folder in
      Made(callback: BackupAndRestore(folder, saveFrequency: .steps(1), deleteCheckpoint: true))
    },
    CallbackCheck(name: "CSVLogger", files: ["log.csv"]) { folder in
      let path = folder + "/log.csv"
      return Made(callback: CSVLogger(path: path)) { isChief, history in
        guard isChief else { return }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        try requireEqual(lines.count, history.epoch.count + 1, "lines of \(path)")
      }
    },
    CallbackCheck(name: "EarlyStopping", epochs: 2) { _ in
      // Nothing is an improvement by 100.
      let stopping = EarlyStopping(
        monitor: "val_loss", minDelta: 100, patience: 1, restoreBestWeights: true)
      return Made(callback: stopping) { _, _ in
        try requireEqual(stopping.stoppedEpoch, 1, "the epoch of stopping")
        try requireEqual(stopping.bestEpoch, 0, "the best epoch")
      }
    },
    CallbackCheck(name: "History") { _ in
      let history = History()
      return Made(callback: history) { _, other in
        try requireEqual(history["loss"], other["loss"], "the losses")
      }
    },
    CallbackCheck(name: "LambdaCallback") { _ in
      let counts = Counts()
      let lambda = LambdaCallback(
        onEpochEnd: { _, _ in counts.epochs += 1 },
        onTrainBatchEnd: { _, logs in counts.logs += logs.isEmpty ? 0 : 1 },
        needsBatchLogs: true)
      return Made(callback: lambda) { _, history in
        try requireEqual(counts.epochs, history.epoch.count, "epochs")
        try requireEqual(counts.logs, 3 * history.epoch.count, "logs of steps")
      }
    },
    CallbackCheck(name: "LearningRateScheduler") { _ in
      Made(callback: LearningRateScheduler { epoch, _ in 1 / Double(8 << epoch) }) { _, history in
        try requireEqual(
          history["learning_rate"], history.epoch.map { 1 / Double(8 << $0) }, "the rates")
      }
    },
    CallbackCheck(
      name: "ModelCheckpoint",
      files: (1...4).flatMap { epoch in (1...3).map { "w-\(epoch)-\($0).safetensors" } }
    ) { folder in
      Made(
        callback: ModelCheckpoint(
          path: folder + "/w-{epoch}-{batch}.safetensors", saveFrequency: .steps(1)))
    },
    CallbackCheck(name: "ProgressBar") { _ in
      let log = Counts()
      let output = TextOutput(sink: { log.text += $0 })
      return Made(callback: ProgressBar(verbosity: .line, output: output)) { isChief, history in
        let lines = log.text.split(separator: "\n")
        try requireEqual(lines.count, isChief ? history.epoch.count : 0, "lines")
      }
    },
    CallbackCheck(name: "ReduceLROnPlateau") { _ in
      let plateau = ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 1, minDelta: 100)
      return Made(callback: plateau) { _, history in
        try requireEqual(
          history["learning_rate"], [0.125, 0.125, 0.0625, 0.03125], "the rates")
      }
    },
    CallbackCheck(name: "RemoteMonitor") { _ in
      let server = try HTTPServer()
      return Made(callback: RemoteMonitor(root: server.root)) { isChief, history in
        server.stop()
        try requireEqual(
          server.requests.count, isChief ? history.epoch.count : 0, "messages to the server")
      }
    },
    CallbackCheck(name: "SwapEMAWeights", useEMA: true) { _ in
      Made(callback: SwapEMAWeights(swapOnEpoch: true))
    },
    CallbackCheck(
      name: "TensorBoard",
      files: ["train/events.out.tfevents.#", "validation/events.out.tfevents.#"]
    ) { folder in
      Made(
        callback: TensorBoard(
          logDirectory: folder, histogramFrequency: 1, writeImages: true,
          writeStepsPerSecond: true, updateFrequency: .batch))
    },
    CallbackCheck(name: "TerminateOnNaN", hasNaN: true, epochs: 1) { _ in
      Made(callback: TerminateOnNaN())
    },
    CallbackCheck(name: "Timing") { _ in
      let timing = Timing()
      return Made(callback: timing) { _, history in
        try requireEqual(timing.epochs.map(\.seconds), history["epoch_seconds"], "the times")
        for epoch in timing.epochs {
          try require(epoch.fastestSeconds <= epoch.seconds, "\(epoch)")
          try require((epoch.samplesPerSecond ?? 0) > 0, "\(epoch)")
        }
      }
    },
  ]

  /// A training with the callback gives on all ranks the logs of one process, and rank 0 alone writes the files of one process.
  public func run() throws {
    let mark = UUID().uuidString
    let expected = try alone {
      try train("alone", mark) { _, _ in }
    }
    let history = try train("ranks", mark) { folder, isChief in
      let found = isChief ? expectedFiles : []
      try requireEqual(Self.files(below: folder), found, "files of rank \(communicator.rank)")
    }
    try requireEqual(history.epoch.count, epochs, "epochs")
    try requireEqual(expected.epoch.count, epochs, "epochs of one process")
    try Self.requireSameLogs(history, expected)
  }

  private var expectedFiles: [String] { files.map(Self.plain).sorted() }

  private func train(
    _ place: String, _ mark: String, _ look: (String, Bool) throws -> Void
  ) throws -> History {
    let folder = TemporaryFolder.path("\(name)-\(place)-\(communicator.rank)-\(mark)")
    let made = try make(folder)
    let history = try Self.train([made.callback], hasNaN: hasNaN, useEMA: useEMA)
    let isChief = communicator.rank == 0
    try made.check(isChief, history)
    try look(folder, isChief)
    return history
  }

  /// 3 steps an epoch, at most 4 epochs, with a convolution.
  fileprivate static func train(
    _ callbacks: [Callback], hasNaN: Bool = false, useEMA: Bool = false
  ) throws -> History {
    let model = Model(
      module: Sequential([Conv2D(2, kernelSize: 2), Flatten(), Linear(1)]),
      loss: MeanSquaredError(),
      optimizer: SGD(learningRate: 0.125, options: OptimizerOptions(useEMA: useEMA)), seed: 4)
    var x = randomNormal([36, 3, 3, 1], key: RandomKey(seed: 9))
    let y = x.mean(axes: [1, 2])
    if hasNaN {
      model.nonFinite = .ignore
      // One row of one rank, in the second step.
      let rows = Tensor((0..<36).map { Float($0 == 13 ? Double.nan : 0) })
      x = x + rows.reshape([36, 1, 1, 1])
    }
    let history = try model.fit(
      x: x, y: y, batchSize: 12, epochs: 4, verbose: .silent, callbacks: callbacks,
      validationData: ValidationData(x: x[0..<9], y: y[0..<9]), shuffle: false)
    if !hasNaN { try requireSameOnAllRanks(model) }
    return history
  }

  /// All ranks have the same logs to the last bit, and those of one process up to rounding; times differ.
  fileprivate static func requireSameLogs(_ history: History, _ expected: History) throws {
    let lines = history.history.map { "\($0.key): \($0.value)" }
    try agree(on: lines, subject: "the logs", communicator: communicator)
    try requireEqual(Array(history.history.keys), Array(expected.history.keys), "names in logs")
    let times: Set = ["epoch_seconds", "samples_per_second"]
    for (name, values) in expected.history where !times.contains(name) {
      for (a, b) in zip(history[name], values) where a.isFinite || b.isFinite {
        try require(abs(a - b) <= 1e-5 * max(1, abs(b)), "\(name) is \(a), one process logs \(b)")
      }
    }
  }

  /// Paths in a folder, with digits of names of events left out, in order.
  fileprivate static func files(below folder: String) -> [String] {
    let paths = FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []
    return paths.filter { path in
      var isFolder: ObjCBool = false
      let isThere = FileManager.default.fileExists(
        atPath: folder + "/" + path, isDirectory: &isFolder)
      return isThere && !isFolder.boolValue
    }.map(plain).sorted()
  }

  private static func plain(_ path: String) -> String {
    path.replacing(/tfevents\..*/, with: "tfevents.#")
  }

  /// What closures of one rank write down.
  private final class Counts: @unchecked Sendable {
    var epochs = 0
    var logs = 0
    var text = ""
  }
}

/// All callbacks in one training.
func checkCallbacksTogether() throws {
  let mark = UUID().uuidString
  func train(_ place: String) throws -> (History, [String]) {
    let folder = TemporaryFolder.path("together-\(place)-\(communicator.rank)-\(mark)")
    // What ends training after the second epoch would leave nothing to the others.
    let checks = CallbackCheck.all.filter { $0.epochs == 4 && !$0.hasNaN }
    let made = try checks.filter { $0.name != "ReduceLROnPlateau" }.map { check in
      try check.make(folder + "/" + check.name)
    }
    let more: [Callback] = [
      EarlyStopping(monitor: "loss", patience: 9, restoreBestWeights: true), TerminateOnNaN(),
    ]
    let history = try CallbackCheck.train(made.map(\.callback) + more, useEMA: true)
    for made in made { try made.check(communicator.rank == 0, history) }
    return (history, CallbackCheck.files(below: folder))
  }
  let (expected, expectedFiles) = try alone { try train("alone") }
  let (history, files) = try train("ranks")
  try requireEqual(history.epoch.count, 4, "epochs")
  try CallbackCheck.requireSameLogs(history, expected)
  try requireEqual(files, communicator.rank == 0 ? expectedFiles : [], "files")
  try require(expectedFiles.count == 15, "\(expectedFiles)")
}

/// Where rank 0 cannot write, all ranks end with its error, and go on together after it.
func checkCallbacksThatCannotWrite() throws {
  // Under a file nobody can make a folder.
  let folder = communicator.rank == 0 ? "/dev/null/apus" : TemporaryFolder.path(UUID().uuidString)
  for callback in [
    CSVLogger(path: folder + "/log.csv"), ModelCheckpoint(path: folder + "/w.safetensors"),
    ModelCheckpoint(path: folder + "/w.safetensors", saveFrequency: .steps(2)),
    TensorBoard(logDirectory: folder),
  ] {
    let error = try requireError("\(type(of: callback)) where rank 0 cannot write") {
      _ = try CallbackCheck.train([callback])
    }
    let text = "\(error)"
    try require(text.contains("/dev/null: cannot make the folder"), text)
    try require(communicator.rank == 0 || text.contains("rank 0"), text)
    try communicator.barrier()
  }
}

extension TrainingCheck {
  static let callbacks: [TrainingCheck] = [
    TrainingCheck(name: "callbacks-together", run: checkCallbacksTogether),
    TrainingCheck(name: "callbacks-that-cannot-write", run: checkCallbacksThatCannotWrite),
  ]
}
