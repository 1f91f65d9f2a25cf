import Foundation
import Tensors

/// A folder that keeps states of a training, each a folder of its own: complete, or not there.
///
/// A state is saved under a hidden name, and gets its own when every file of it, the manifest last, is on the disk.
/// It gets a hidden name again before it is removed. The folder belongs to one run: what another one writes there at
/// the same time is lost.
package struct StateFolder: Sendable {
  package let path: String
  let files: any FileLayer

  /// States being saved: `.saving-ORDINAL-TOKEN`.
  static let saving = ".saving-"
  /// States being removed: `.removing-NAME-MARK`.
  static let removing = ".removing-"
  /// Files by which ranks find out whether they share the folder: `.shared-TOKEN`.
  package static let shared = ".shared-"
  /// Empty files by which a chief tells writers that a save is given up: `.failed-ORDINAL-TOKEN`.
  static let failed = ".failed-"

  package init(path: String, files: any FileLayer = SystemFiles()) {
    self.path = path
    self.files = files
  }

  // MARK: Saving

  /// Begins to save a state, as the chief of its writers, and removes what saves that were cut short have left.
  ///
  /// No other save of this folder may be under way: it would lose its files.
  ///
  /// - Parameters:
  ///   - ordinal: what the state counts, training steps so far.
  ///   - token: letters and digits, the same on all writers of this save and never used before.
  ///   - writtenBy: the program and its version.
  /// - Returns: the state, to write files to.
  /// - Throws: `EngineError.file` that names what could not be made.
  package func begin(
    ordinal: UInt64, token: String, writtenBy: String = "apus"
  ) throws(EngineError) -> StateDraft {
    let draft = try draft(ordinal, token, writer: 0, writtenBy)
    try Folders.make(path, files: files, flushing: true)
    try removeLeftovers()
    if try entries().isEmpty {
      // A save that was cut short may have made the folder, and not waited until its name was on the disk.
      let above = Folders.folder(of: path)
      try FileWriter.attempt(path, "flush the folder above") { () throws(SystemError) in
        try files.flushFolder(above.isEmpty ? "." : above)
      }
    }
    try FileWriter.attempt(draft.path, "make the folder") { () throws(SystemError) in
      try files.makeFolder(draft.path)
    }
    return draft
  }

  /// Takes part in a save that the chief begins, as another writer.
  ///
  /// - Parameters:
  ///   - ordinal: as the chief has it.
  ///   - token: as the chief has it.
  ///   - writer: its number, from 1.
  ///   - limit: how long the chief's folder is waited for. It takes some seconds to appear on other nodes of some network
  ///     file systems.
  /// - Returns: the state, to write files to.
  /// - Throws: `EngineError.file` when it does not appear.
  package func join(
    ordinal: UInt64, token: String, writer: Int, limit: Duration
  ) throws(EngineError) -> StateDraft {
    let draft = try draft(ordinal, token, writer: writer, "")
    var isHopeless = false
    let isThere = Polling.wait(limit) {
      if FileKind(draft.path) == .folder { return true }
      isHopeless = isGivenUp(ordinal, token)
      return isHopeless
    }
    if isHopeless {
      throw .file(path: draft.path, message: "the state is not saved: rank 0 has given it up")
    }
    guard isThere else {
      throw .file(
        path: draft.path,
        message: "the folder of a state that is being saved did not appear within \(limit)")
    }
    return draft
  }

  /// Tells writers that wait for a save that there is none, as far as that is possible: as the chief of several.
  package func giveUp(ordinal: UInt64, token: String) {
    try? files.makeEmptyFile(path + "/" + Self.failed + StateEntry.digits(ordinal) + "-" + token)
  }

  /// Whether the chief has given this save up, or has come to a later one.
  private func isGivenUp(_ ordinal: UInt64, _ token: String) -> Bool {
    let own = StateEntry.digits(ordinal)
    return ((try? names()) ?? []).contains { name in
      if name == Self.failed + own + "-" + token { return true }
      let parts = name.split(separator: "-")
      guard name.hasPrefix(Self.saving) || name.hasPrefix(Self.failed), parts.count == 3 else {
        return false
      }
      return UInt64(parts[1]).map { $0 > ordinal } ?? false
    }
  }

  /// Saves a state that one writer writes.
  ///
  /// - Parameters:
  ///   - ordinal: what the state counts, training steps so far.
  ///   - payload: JSON to keep in the manifest.
  ///   - body: writes the files.
  /// - Returns: the state.
  /// - Throws: `EngineError.file` that names the path, the step and the reason; nothing is left then, and older states
  ///   are as they were.
  @discardableResult
  package func save(
    ordinal: UInt64, payload: Data, _ body: (StateDraft) throws(EngineError) -> Void
  ) throws(EngineError) -> StateEntry {
    let token = String(UInt64.random(in: .min ... .max), radix: 36)
    let draft = try begin(ordinal: ordinal, token: token)
    do throws(EngineError) { try body(draft) } catch {
      draft.abandon()
      throw error
    }
    return try draft.commit(writers: 1, payload: payload, limit: .zero)
  }

  private func draft(
    _ ordinal: UInt64, _ token: String, writer: Int, _ writtenBy: String
  ) throws(EngineError) -> StateDraft {
    let isPlain = token.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    guard isPlain, (1...64).contains(token.utf8.count) else {
      throw .invalidArgument(
        message: "state: the token of a save must be 1 to 64 letters and digits, got \"\(token)\"")
    }
    return StateDraft(
      folder: self, ordinal: ordinal, token: token, writer: writer, writtenBy: writtenBy)
  }

  /// Removes hidden folders and files of saves and removals that were cut short, as far as possible.
  private func removeLeftovers() throws(EngineError) {
    for name in try names() where Self.isLeftover(name) { try? files.removeTree(path + "/" + name) }
  }

  private static func isLeftover(_ name: String) -> Bool {
    name.hasPrefix(saving) || name.hasPrefix(removing) || name.hasPrefix(shared)
      || name.hasPrefix(failed)
      || (name.hasPrefix(TemporaryFile.prefix) && name.hasSuffix(TemporaryFile.suffix))
  }

  // MARK: Loading

  /// The states that there are by their names, newest first; none where there is no folder.
  package func entries() throws(EngineError) -> [StateEntry] {
    if FileKind(path) == nil { return [] }
    return try names().compactMap { StateEntry(name: $0, in: path) }.sorted(by: >)
  }

  /// Reads a state.
  ///
  /// - Parameters:
  ///   - entry: one of ``entries()``.
  ///   - verifying: whether all bytes are compared with their checksums now. Those of a file are in any case when it is read.
  /// - Returns: the state; its files are not in memory.
  /// - Throws: `EngineError.file` that names the file and what is wrong with it.
  package func load(
    _ entry: StateEntry, verifying: Bool = true
  ) throws(EngineError) -> StoredState {
    try StoredState(entry, verifying: verifying)
  }

  /// Reads the newest state that is as it was saved.
  ///
  /// - Parameter warn: gets a line for each newer one that is not.
  /// - Returns: nil where there are none.
  /// - Throws: `EngineError.file` where there are states and none is good, and where the folder cannot be read.
  package func newest(warn: (String) -> Void) throws(EngineError) -> StoredState? {
    let entries = try entries()
    var first: EngineError?
    for (index, entry) in entries.enumerated() {
      do throws(EngineError) { return try load(entry) } catch {
        first = first ?? error
        let next = index + 1 < entries.count ? "; trying \(entries[index + 1].name)" : ""
        warn("the state \(entry.name) cannot be used: \(error)\(next)")
      }
    }
    guard let first else { return nil }
    throw .file(
      path: path,
      message: "none of the \(entries.count) states there can be used; the newest: \(first)")
  }

  // MARK: Retention

  /// Removes the states that `keeping` does not return.
  ///
  /// - Parameter keeping: gets all states, newest first.
  /// - Throws: `EngineError.file` for the first that cannot be removed, after the others have been.
  package func prune(
    keeping: ([StateEntry]) -> Set<StateEntry>
  ) throws(EngineError) {
    let entries = try entries()
    let kept = keeping(entries)
    var first: EngineError?
    for entry in entries.reversed() where !kept.contains(entry) {
      do throws(EngineError) { try remove(entry) } catch { first = first ?? error }
    }
    if let first { throw first }
  }

  /// Removes a state: it is gone at once, and its files after that.
  ///
  /// - Throws: `EngineError.file`. What is left then has a hidden name, and is removed when the next save begins.
  package func remove(_ entry: StateEntry) throws(EngineError) {
    let mark = String(UInt64.random(in: .min ... .max), radix: 36)
    let hidden = path + "/" + Self.removing + entry.name + "-" + mark
    try FileWriter.attempt(entry.path, "rename to \(hidden)") { () throws(SystemError) in
      try files.rename(entry.path, to: hidden)
    }
    try flush()
    try FileWriter.attempt(hidden, "remove") { () throws(SystemError) in
      try files.removeTree(hidden)
    }
  }

  // MARK: Calls

  /// What lies in the folder, hidden or not.
  func names() throws(EngineError) -> [String] {
    try FileWriter.attempt(path, "list the folder") { () throws(SystemError) in
      try files.list(path)
    }
  }

  /// Waits until the names in the folder are on the disk.
  func flush() throws(EngineError) {
    try FileWriter.attempt(path, "flush the folder") { () throws(SystemError) in
      try files.flushFolder(path)
    }
  }
}
