import DataFiles
import Logging
import OrderedCollections
import Tensors

private let logger = Logger(label: "apus.state")

/// What is saved of a call of `fit`, and when.
extension FitStates {
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

  /// At the end of the training, after its callbacks: saves what they have asked for, and waits for the disk. Collective.
  func end(_ place: TrainingPlace, _ logs: Logs) throws {
    try saveRequests(place, logs)
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
    isCounted = false
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
    isInterrupted = true
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
      let structure = try Self.structure(of: callback)
      info.callbacks.append(
        TrainingStateInfo.StoredCallback(
          type: "\(type(of: callback))", form: StructureForm(structure)))
      tensors += structure.tensors.map(\.detached)
    }
    try saver.start(info, variables, model.ownStatistics, callbackTensors: tensors)
  }

  private static func structure(of callback: any StatefulCallback) throws -> Structure {
    do { return try StructureEncoder().encode(AnyState(callback).value) } catch {
      throw EngineError.invalidArgument(
        message: "what \(type(of: callback)) remembers cannot be saved: \(error)")
    }
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
