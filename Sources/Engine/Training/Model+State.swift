import DataFiles
import Foundation
import Logging
import OrderedCollections
import Tensors

private let logger = Logger(label: "apus.state")

extension Model {
  /// Saves the state of the training: weights, what the optimizer remembers, random keys, what metrics have counted, and in `fit` also the epoch, the position in it, the history, and what callbacks
  /// remember (``StatefulCallback``). Files of weights (``saveWeights(to:)``) hold the weights alone.
  ///
  /// The folder holds states, each complete or not there; the newest ones are kept. In each are `weights.safetensors`, which other programs read, one file for each rank, and
  /// `manifest.json` with checksums.
  ///
  /// In a callback of `fit` the state is that of the moment when all callbacks of this epoch or step have run, and is written while the training goes on; an error comes with the next state or at
  /// the end. Elsewhere the call returns when the state is on the disk. ``BackupAndRestore`` saves states at intervals and restores them by itself.
  ///
  /// Collective: every rank must call it.
  ///
  /// - Parameters:
  ///   - folder: of states of this training; made where it is missing.
  ///   - keepLast: how many of the newest states stay in it.
  /// - Throws: ``EngineError`` on every rank, where files cannot be written or the model has no weights yet.
  public func saveState(to folder: String, keepLast: Int = 2) throws {
    guard !folder.isEmpty, keepLast >= 1 else {
      throw EngineError.invalidArgument(
        message: folder.isEmpty
          ? "saveState: the folder is empty: give a path"
          : "saveState: keepLast is \(keepLast): it must be at least 1")
    }
    if let fitStates {
      return fitStates.request(Folders.absolute(folder), keepLast: keepLast)
    }
    guard isBuilt else {
      throw EngineError.model(message: "there is no state to save before the first batch")
    }
    let saver = try StateSaver(
      folder, writers: try stateWriters(of: folder, .auto),
      retention: StateRetention(newest: keepLast), communicator)
    let variables = stateVariables
    try saver.start(
      stateInfo(variables, run: stateLines), variables, ownStatistics, callbackTensors: [])
    try throwShared(saver.finish())
  }

  /// Goes on from the newest state in a folder that ``saveState(to:keepLast:)`` or ``BackupAndRestore`` has written; a damaged one is passed over, with a warning.
  ///
  /// Variables get their values at once, or as soon as the first batch has made them. The next `fit`, which is given what that of the state was given, goes on after the last step of
  /// the state: in the middle of the epoch, with the same order of samples, and with what callbacks and the history remember. Its `epochs` may be larger.
  ///
  /// The number of ranks may be another one: batches are the same ones, and every sample counts once.
  ///
  /// Collective: every rank must call it. Rank 0 reads.
  ///
  /// - Parameters:
  ///   - folder: of states.
  ///   - isStrict: whether a state of a model with other settings is an error; otherwise a warning.
  /// - Throws: ``EngineError`` on every rank, where there is no state that can be read, or it does not fit the model, and in a callback of `fit`; then nothing has been changed.
  public func restoreState(from folder: String, isStrict: Bool = true) throws {
    guard fitStates == nil else {
      throw EngineError.model(
        message:
          "restoreState(from: \"\(folder)\") in a callback of fit: the epoch that is under way cannot become another one; set stopTraining, and restore the state when fit has ended"
      )
    }
    let found = Result {
      communicator.rank == 0 ? try Self.newestState(in: folder) : nil
    }
    let state = try agreed(found, on: "restoreState") { _ in [] }
    let isThere = try communicator.broadcast(text: state == nil ? "" : "yes")
    guard !isThere.isEmpty else {
      throw EngineError.file(path: folder, message: "there is no state of a training")
    }
    let loaded = try LoadedState.shared(state, root: 0, communicator)
    if isBuilt {
      // Data and arguments are compared by the next fit.
      try checkSettings(loaded, against: stateLines, isWhole: false, isStrict: isStrict)
      try takeValues(of: loaded)
      if loaded.info.place == nil { try applyCounts(of: loaded) }
    }
    loadedState = loaded
  }

  /// Gives variables that have just been made the values of a state that was restored before.
  func applyLoadedState() throws {
    guard let loadedState else { return }
    try takeValues(of: loadedState)
    if loadedState.info.place == nil {
      try applyCounts(of: loadedState)
      self.loadedState = nil
    }
  }

  /// The newest state that can be read; nil where there is none. Warns of others.
  static func newestState(in folder: String) throws -> LoadedState? {
    let stored = try StateFolder(path: folder).newest { logger.warning("\($0)") }
    return try stored.map { try LoadedState($0) }
  }

  /// Who writes states into a folder. Collective: ranks find out whether they all see it.
  ///
  /// - Throws: on every rank, when rank 0 cannot write there.
  func stateWriters(
    of folder: String, _ storage: BackupAndRestore.Storage
  ) throws -> StateSaver.Writers {
    // Also where ranks have other names for the folder.
    let own = String(UInt64.random(in: .min ... .max), radix: 36)
    let mark = try communicator.broadcast(text: own)
    let token = folder + "/" + StateFolder.shared + mark
    let made = Result {
      guard communicator.rank == 0 else { return }
      try Folders.make(for: folder + "/state")
      try AtomicFile.write(Array(mark.utf8), to: token)
    }
    defer { if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: token) } }
    _ = try agreed(made, on: "the folder of states") { _ in ["\(storage)"] }
    guard communicator.size > 1, storage == .auto else {
      return storage == .chief || communicator.size == 1 ? .chief : .everyRank
    }
    var sees: Int32 = FileManager.default.fileExists(atPath: token) ? 1 : 0
    try communicator.named("whether ranks share the folder of states") {
      try communicator.allReduce(&sees, count: 1, dtype: .int32, operation: .min)
    }
    return sees == 1 ? .everyRank : .chief
  }

  /// Throws on every rank what has failed on rank 0. Collective.
  func throwShared(_ error: EngineError?) throws {
    let isChief = communicator.rank == 0
    let text =
      communicator.size > 1
      ? try communicator.broadcast(text: isChief ? error.map { "\($0)" } ?? "" : "")
      : error.map { "\($0)" } ?? ""
    if text.isEmpty { return }
    if isChief, let error { throw error }
    throw EngineError(.distribution, .failedElsewhere(ranks: [0], text: text))
  }

  // MARK: What the run was

  /// What a training with this model depends on, without what may change in it or from start to start.
  var stateLines: [String] {
    (settingLines + moduleLines).filter { line in
      !Self.changeable.contains { line.hasPrefix($0) }
    }
  }

  /// Lines that a training that goes on may have otherwise.
  static let changeable = [
    "optimizer.learningRate: ", "driftInterval: ", "requiresSameBits: ", "nonFinite: ",
    "runEagerly: ", "kernels: ", "threads: ", "gradients", "epochs: ", "epochs trained before: ",
    "validation",
  ]

  /// Makes sure that a state was saved by a training like this one.
  ///
  /// With `isWhole` both are lines of a call of `fit`; else names that one of them lacks do not count.
  ///
  /// - Returns: whether it was.
  /// - Throws: `EngineError.file` that says what differs; a warning unless `isStrict`.
  @discardableResult
  func checkSettings(
    _ state: LoadedState, against lines: [String], isWhole: Bool, isStrict: Bool
  ) throws -> Bool {
    let differences = SettingDifferences.text(
      before: state.info.run, now: lines, onlyCommonKeys: !isWhole)
    guard let differences else { return true }
    guard !isStrict else {
      throw EngineError.file(
        path: state.path,
        message:
          "the state is one of a training with other settings: \(differences); to go on all the same, give isStrict: false"
      )
    }
    if isChief {
      logger.warning("\(state.path) is the state of a training with other settings: \(differences)")
    }
    return false
  }
}
