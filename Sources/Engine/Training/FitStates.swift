import DataFiles
import Foundation
import Logging
import OrderedCollections
import Tensors

private let logger = Logger(label: "apus.state")

/// The states of one call of `fit`: where it goes on, and what is saved of it.
final class FitStates {
  let run: Run
  let list: CallbackList
  let backup: BackupAndRestore?
  /// What the run is, in lines that a state must have alike.
  let lines: [String]
  /// The number of this call, and how many orders of samples calls before have used.
  var call: Int
  let lastEpoch: Int
  var disk: StateSaver?
  /// In memory that outlives the process, for a launcher that starts it again.
  var memory: StateSaver?
  var lastSave = ContinuousClock.now
  var memoryPause = Duration.milliseconds(50)
  var lastMemorySave = ContinuousClock.now
  var requested: OrderedDictionary<String, Int> = [:]
  var requestedSavers: [String: StateSaver] = [:]
  var hasWarned = false

  var model: Model { run.model }
  var communicator: any Communicator { model.communicator }

  /// Where a call of `fit` begins.
  enum Start {
    /// At its beginning.
    case fresh
    /// In the place of a state, whose values variables have.
    case state(LoadedState, TrainingPlace)
    /// Not at all: a later call was under way when the program was ended.
    case over
  }

  /// Collective, where there is a ``BackupAndRestore``: its folder is made.
  init(_ run: Run, _ list: CallbackList, lines: [String], lastEpoch: Int) throws {
    self.run = run
    self.list = list
    self.lastEpoch = lastEpoch
    backup = list.callbacks.lazy.compactMap { $0 as? BackupAndRestore }.first
    call = run.model.fitCalls
    let model = run.model
    let settings = model.isBuilt ? model.stateLines : []
    self.lines =
      settings
      + lines.filter { line in !Model.changeable.contains { line.hasPrefix($0) } }
    guard !run.isNested else { return }
    let backups = list.callbacks.lazy.compactMap { $0 as? BackupAndRestore }.map(\.folder)
    guard backups.count <= 1 else {
      throw EngineError.invalidArgument(
        message:
          "fit is given \(backups.count) callbacks BackupAndRestore, for \(backups.joined(separator: ", ")): give one, and ModelCheckpoint with saveWeightsOnly: false for states elsewhere"
      )
    }
    try backup?.checkArguments()
    model.fitCalls += 1
    model.fitStates = self
    isCounted = true
    guard backup != nil else { return }
    TrainingNotice.watch()
    isWatching = true
    communicator.journal?.setHandlesNotice(true)
  }

  private var isWatching = false
  /// Whether a signal has ended the training.
  var isInterrupted = false
  /// Whether the model counts this call. One that ends with an error does not count: called again it goes on from the states of the first try.
  var isCounted = false

  /// Waits for what is on its way to the disk, whatever comes of it. To be called at the end of the call, also with an error.
  func close() {
    if model.fitStates === self { model.fitStates = nil }
    if isCounted { model.fitCalls = call }
    for saver in [disk, memory].compactMap(\.self) + requestedSavers.values { _ = saver.finish() }
    guard isWatching else { return }
    isWatching = false
    communicator.journal?.setHandlesNotice(false)
    TrainingNotice.unwatch(isInterrupted: isInterrupted)
  }

  // MARK: Going on

  /// Finds the state to go on from, and gives variables its values. Collective.
  func start() throws -> Start {
    guard !run.isNested else { return .fresh }
    if let backup {
      let writers = try model.stateWriters(of: backup.folder, backup.storage)
      disk = try StateSaver(
        backup.folder, writers: writers, retention: StateRetention(newest: backup.keepLast),
        communicator)
      if let folder = Self.memoryFolder(for: backup.folder) {
        memory = try StateSaver(
          folder, writers: .everyNode(isWriter: communicator.isFirstOfNode),
          retention: StateRetention(newest: 1), communicator)
      }
    }
    let state = try newest()
    model.loadedState = nil
    guard let state else { return .fresh }
    guard var place = state.info.place else { return .fresh }
    if place.call > call, state.isFromBackup {
      if model.isChief {
        logger.notice(
          "\(state.loaded.path) is the state of a later call of fit: this one was over")
      }
      isCounted = false
      try model.takeWeights(of: state.loaded)
      return .over
    }
    if place.call < call, state.isFromBackup { return .fresh }
    let isSame = try model.checkSettings(
      state.loaded, against: lines, isWhole: state.info.place != nil,
      isStrict: backup?.isStrict ?? true)
    try model.takeValues(of: state.loaded)
    call = place.call
    model.fitCalls = call + 1
    if place.isEnded, lastEpoch > place.lastEpoch { place.isEnded = false }
    if !isSame, place.step > 0, hasOtherBatches(state.loaded) {
      if model.isChief {
        logger.warning("batches are other ones: epoch \(place.epoch + 1) begins anew")
      }
      place.step = 0
    }
    note(state.loaded, place)
    return .state(state.loaded, place)
  }

  private func note(_ state: LoadedState, _ place: TrainingPlace) {
    guard model.isChief else { return }
    if place.isEnded || place.epoch >= lastEpoch {
      logger.notice(
        "the training of \(state.path) had ended: nothing is left to do in \(lastEpoch) epochs")
    } else {
      logger.notice("going on from \(state.path), at \(place.description)")
    }
  }

  private func hasOtherBatches(_ state: LoadedState) -> Bool {
    let names = ["samples: ", "batchSize: ", "steps: ", "shuffle: ", "seed: "]
    func own(_ lines: [String]) -> [String] {
      lines.filter { line in names.contains { line.hasPrefix($0) } }
    }
    return own(state.info.run) != own(lines)
  }

  private struct Found {
    let loaded: LoadedState
    let isFromBackup: Bool
    var info: TrainingStateInfo { loaded.info }
  }

  /// The newest state of the folder, of memory, or that was restored before. Collective.
  private func newest() throws -> Found? {
    let pending = model.loadedState.map { Found(loaded: $0, isFromBackup: false) }
    guard let backup else { return pending }
    let outcome = Result {
      let onDisk = communicator.rank == 0 ? try Model.newestState(in: backup.folder) : nil
      // What cannot be read in memory is no loss: there is the disk.
      let inMemory = memory.flatMap { try? Model.newestState(in: $0.folder.path) }
      return [onDisk, inMemory].compactMap(\.self).max { Self.order($0) < Self.order($1) }
    }
    let own = try model.agreed(outcome, on: "the newest state") { _ in [] }
    var best = own.map { Self.order($0) } ?? -1
    try communicator.named("the newest state") {
      try communicator.allReduce(&best, count: 1, dtype: .int64, operation: .max)
    }
    guard best >= 0 else { return pending }
    var root = Int64(communicator.size)
    if let own, Self.order(own) == best { root = Int64(communicator.rank) }
    try communicator.named("who has the newest state") {
      try communicator.allReduce(&root, count: 1, dtype: .int64, operation: .min)
    }
    let loaded = try LoadedState.shared(own, root: Int(root), communicator)
    if let pending, Self.order(pending.loaded) > Self.order(loaded) { return pending }
    return Found(loaded: loaded, isFromBackup: true)
  }

  /// Which of two states is the newer one: that of the later call, after more steps, at the end of an epoch rather than after its last step.
  private static func order(_ state: LoadedState) -> Int64 {
    let place = state.info.place
    return Int64(place?.call ?? 0) << 48 + Int64(state.info.steps) << 1
      + (place?.step == 0 ? 1 : 0)
  }

  /// The folder in memory that a launcher keeps for this training; nil without one.
  private static func memoryFolder(for folder: String) -> String? {
    guard let root = ProcessInfo.processInfo.environment["APUS_STATE_MEMORY"], !root.isEmpty
    else { return nil }
    let name = String(StableHash.of(folder.utf8), radix: 36)
    return "\(root)/\(name)"
  }

  /// Gives callbacks what they remembered.
  func restoreCallbacks(_ state: LoadedState) throws {
    var tensors = state.callbackTensors[...]
    var left = list.callbacks
    for stored in state.info.callbacks {
      let count = stored.form.tensorCount
      let structure = stored.form.structure(Array(tensors.prefix(count)))
      tensors = tensors.dropFirst(count)
      guard let index = left.firstIndex(where: { "\(type(of: $0))" == stored.type }) else {
        if model.isChief, stored.type != "\(BackupAndRestore.self)" {
          logger.warning(
            "\(state.path) remembers a callback \(stored.type), which this training is not given")
        }
        continue
      }
      guard let callback = left.remove(at: index) as? any StatefulCallback else { continue }
      do { try restore(callback, structure) } catch {
        throw EngineError.file(
          path: state.path, message: "what \(stored.type) remembered does not fit it: \(error)")
      }
    }
  }

  private func restore<C: StatefulCallback>(_ callback: C, _ structure: Structure) throws {
    let decoder = StructureDecoder(asker: "\(type(of: callback))", name: "its state")
    try callback.restore(decoder.decode(C.SavedState.self, from: structure))
  }
}
