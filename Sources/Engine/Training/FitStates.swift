import DataFiles
import Foundation
import Logging
import OrderedCollections
import Tensors

private let logger = Logger(label: "apus.state")

/// The states of one call of `fit`: where it goes on, and what is saved of it.
final class FitStates {
  private let run: Run
  private let list: CallbackList
  private let backup: BackupAndRestore?
  /// What the run is, in lines that a state must have alike.
  private let lines: [String]
  /// The number of this call, and how many orders of samples calls before have used.
  private var call: Int
  private let lastEpoch: Int
  private var disk: StateSaver?
  /// In memory that outlives the process, for a launcher that starts it again.
  private var memory: StateSaver?
  private var lastSave = ContinuousClock.now
  private var memoryPause = Duration.milliseconds(50)
  private var lastMemorySave = ContinuousClock.now
  private var requested: OrderedDictionary<String, Int> = [:]
  private var requestedSavers: [String: StateSaver] = [:]
  private var hasWarned = false

  private var model: Model { run.model }
  private var communicator: any Communicator { model.communicator }

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
    model.fitCalls += 1
    model.fitStates = self
    guard let backup else { return }
    try backup.checkArguments()
    TrainingNotice.watch()
    isWatching = true
    communicator.journal?.setHandlesNotice(true)
  }

  private var isWatching = false

  /// Waits for what is on its way to the disk, whatever comes of it. To be called at the end of the call, also with an error.
  func close() {
    if model.fitStates === self { model.fitStates = nil }
    for saver in [disk, memory].compactMap(\.self) + requestedSavers.values { _ = saver.finish() }
    guard isWatching else { return }
    isWatching = false
    communicator.journal?.setHandlesNotice(false)
    TrainingNotice.unwatch()
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
      return .over
    }
    if place.call < call, state.isFromBackup { return .fresh }
    let isSame = try model.checkSettings(
      state.loaded, against: lines, isStrict: backup?.isStrict ?? true)
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
    let own = try model.agreed(outcome, on: "the states of \(backup.folder)") { _ in [] }
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
        if model.isChief {
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

  // MARK: Saving

  /// A callback wants the state of this moment in a folder.
  func request(_ folder: String, keepLast: Int) { requested[folder] = keepLast }

  /// Puts into the next step what rank 0's clock and signals ask for.
  func castVotes() {
    guard backup != nil, communicator.size > 1 else { return }
    model.stopVote.set(.state, isIntervalOver)
    model.stopVote.set(.memoryState, isMemoryDue)
    model.stopVote.set(.notice, TrainingNotice.name != nil)
  }

  private var isIntervalOver: Bool {
    guard communicator.rank == 0, let minutes = backup?.saveInterval else { return false }
    return ContinuousClock.now - lastSave >= .seconds(minutes * 60)
  }

  private var isMemoryDue: Bool {
    memory != nil && communicator.rank == 0 && ContinuousClock.now - lastMemorySave >= memoryPause
  }

  private func isAsked(_ wish: StopVote.Wish) -> Bool {
    guard backup != nil else { return false }
    if communicator.size > 1 { return model.stopVote.isAsked(wish) }
    return switch wish {
    case .stop: model.stopTraining
    case .state: isIntervalOver
    case .memoryState: isMemoryDue
    case .notice: TrainingNotice.name != nil
    }
  }

  /// After a step and its callbacks: saves what is due. Collective where it is.
  ///
  /// - Throws: an error of the kind `interrupted` when a signal has asked for the end.
  func afterStep(_ place: TrainingPlace) throws {
    let isNotice = isAsked(.notice)
    if let backup, isNotice || backup.isDueAfterStep || isAsked(.state) {
      try saveToDisk(place, [:], afterEpoch: false)
    } else if memory != nil, isAsked(.memoryState) {
      try saveToMemory(place)
    }
    try saveRequests(place, [:])
    if isNotice { try endForNotice(place) }
  }

  /// After an epoch and its callbacks. Collective where there is something to save.
  func afterEpoch(_ place: TrainingPlace, _ logs: Logs) throws {
    if backup != nil {
      try saveToDisk(place, logs, afterEpoch: true)
      var isNotice: Int32 = TrainingNotice.name == nil ? 0 : 1
      try communicator.named("whether a signal has come") {
        try communicator.allReduce(&isNotice, count: 1, dtype: .int32, operation: .max)
      }
      if isNotice > 0, !place.isEnded, place.epoch < lastEpoch {
        try saveRequests(place, logs)
        try endForNotice(place)
      }
    }
    try saveRequests(place, logs)
  }

  /// At the end of the training: waits for the disk. Collective.
  func end() throws {
    if let disk, let backup {
      try settle(disk, backup.onFailure, isLast: true)
      if backup.deleteCheckpoint {
        try model.throwShared(
          communicator.rank == 0 ? Self.error { try disk.folder.prune { _ in [] } } : nil)
      }
    }
    for (_, saver) in requestedSavers.sorted(by: { $0.key < $1.key }) {
      try settle(saver, .stop, isLast: true)
    }
    _ = memory?.finish()
  }

  private static func error(_ body: () throws -> Void) -> EngineError? {
    do { try body() } catch {
      return error as? EngineError ?? .file(path: "", message: "\(error)")
    }
    return nil
  }

  private func endForNotice(_ place: TrainingPlace) throws {
    guard let disk, let backup else { return }
    // A state that could not be saved must not look as if it had been.
    try settle(disk, .stop, isLast: true)
    throw EngineError(
      .interrupted,
      "training was asked to end by a signal and has stopped at \(place.description); its state is in \(backup.folder): start the program again to go on"
    )
  }

  private func saveToDisk(_ place: TrainingPlace, _ logs: Logs, afterEpoch: Bool) throws {
    guard let disk, let backup else { return }
    try settle(disk, backup.onFailure, isLast: false)
    disk.retention.others = backup.beginSaving(disk.ordinal, afterEpoch: afterEpoch)
    lastSave = .now
    try save(to: disk, place, logs)
  }

  private func saveToMemory(_ place: TrainingPlace) throws {
    guard let memory else { return }
    let start = ContinuousClock.now
    if let error = memory.finish(), !hasWarned {
      hasWarned = true
      logger.warning("no state is kept in memory, so that a restart loses more steps: \(error)")
    }
    try save(to: memory, place, [:])
    lastMemorySave = .now
    // What is kept in memory may cost some two in a hundred of the time.
    memoryPause = max(.milliseconds(50), (lastMemorySave - start) * 100)
  }

  private func saveRequests(_ place: TrainingPlace, _ logs: Logs) throws {
    if requested.isEmpty { return }
    let folders = requested
    requested = [:]
    for (folder, keepLast) in folders {
      let saver: StateSaver
      if let known = requestedSavers[folder] {
        saver = known
        try settle(saver, .stop, isLast: false)
      } else {
        saver = try StateSaver(
          folder, writers: try model.stateWriters(of: folder, .auto),
          retention: StateRetention(newest: keepLast), communicator)
        requestedSavers[folder] = saver
      }
      try save(to: saver, place, logs)
    }
  }

  private func save(to saver: StateSaver, _ place: TrainingPlace, _ logs: Logs) throws {
    var place = place
    place.call = call
    let variables = model.stateVariables
    var info = model.stateInfo(variables, run: lines)
    info.place = place
    info.logs = logs.map {
      TrainingStateInfo.LoggedValue(name: $0.key, value: ExactNumber($0.value))
    }
    var tensors: [Tensor] = []
    for callback in list.callbacks {
      guard let callback = callback as? any StatefulCallback else { continue }
      let structure = try StructureEncoder().encode(AnyState(callback).value)
      info.callbacks.append(
        TrainingStateInfo.StoredCallback(
          type: "\(type(of: callback))", form: StructureForm(structure)))
      tensors += structure.tensors.map(\.detached)
    }
    try saver.start(info, variables, model.ownStatistics, callbackTensors: tensors)
  }

  /// Waits for the save before, and hears what has become of it. Collective.
  private func settle(
    _ saver: StateSaver, _ policy: BackupAndRestore.FailurePolicy, isLast: Bool
  ) throws {
    let error = saver.finish()
    if policy == .stop { return try model.throwShared(error) }
    guard let error, model.isChief else { return }
    logger.warning(
      "the state of the training could not be saved\(isLast ? "" : "; training goes on, and states saved before are kept"): \(error)"
    )
  }
}

/// What a callback remembers, whatever its type.
private struct AnyState {
  let value: any Encodable

  init<C: StatefulCallback>(_ callback: C) throws { value = try callback.savedState() }
}
