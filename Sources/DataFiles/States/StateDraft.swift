import Foundation
import OrderedCollections
import Synchronization
import Tensors

/// A state that is being saved: what one of its writers has of it.
///
/// Each writer writes files. Those other than the chief then leave a note of what they have written in the folder, for
/// which the chief waits, so that writers need nothing but the file system.
package final class StateDraft: Sendable {
  /// The hidden folder that the files are written to.
  package let path: String
  package let ordinal: UInt64
  /// 0 is the chief.
  package let writer: Int

  private let folder: StateFolder
  private let writtenBy: String
  private let written = Mutex<[FileSum]>([])

  private var files: any FileLayer { folder.files }

  init(folder: StateFolder, ordinal: UInt64, token: String, writer: Int, writtenBy: String) {
    self.folder = folder
    self.ordinal = ordinal
    self.writer = writer
    self.writtenBy = writtenBy
    path = folder.path + "/" + StateFolder.saving + StateEntry.digits(ordinal) + "-" + token
  }

  // MARK: Files

  /// Writes tensors as a safetensors file, to the disk.
  ///
  /// - Throws: `EngineError.file` that names the path, the step and the reason, also where a writer has written a file of
  ///   this name; `EngineError.invalidArgument` for a name that cannot be used.
  @discardableResult
  package func write(
    _ name: String, tensors: [(String, Tensor)], metadata: SafeTensors.Metadata = [:]
  ) throws(EngineError) -> FileSum {
    let content = try SafeTensorsContent(tensors, metadata: metadata)
    let sum = FileSum(name: name, byteCount: content.byteCount, checksum: content.checksum)
    try write(sum) { file throws(EngineError) in try content.write(to: file) }
    return sum
  }

  /// Writes bytes, to the disk.
  ///
  /// - Throws: as the other one does.
  @discardableResult
  package func write(_ name: String, bytes: [UInt8]) throws(EngineError) -> FileSum {
    var checksum = CRC32()
    checksum.update(bytes)
    let sum = FileSum(name: name, byteCount: bytes.count, checksum: checksum)
    try write(sum) { file throws(EngineError) in try file.write(bytes) }
    return sum
  }

  private func write(
    _ sum: FileSum, _ body: (borrowing FileWriter) throws(EngineError) -> Void
  ) throws(EngineError) {
    if let problem = FileSum.problem(withName: sum.name) {
      throw .invalidArgument(
        message: "state: a file cannot have the name \"\(sum.name)\": \(problem)")
    }
    let file = path + "/" + sum.name
    try FileWriter.write(new: file, subject: file, files: files, body)
    written.withLock { $0.append(sum) }
  }

  // MARK: Writers other than the chief

  /// Tells the chief that this writer's files are complete. The chief itself need not call it.
  package func finish() throws(EngineError) {
    if writer == 0 { return }
    try flush()
    try leave(WriterNote(files: written.withLock { $0 }, problem: nil))
  }

  /// Tells the chief that this writer cannot write its part, so that it does not wait; as far as that is possible.
  package func fail(_ message: String) {
    if writer == 0 { return abandon() }
    // A disk that is full must have room for the note.
    for file in written.withLock({ $0 }) { try? files.remove(path + "/" + file.name) }
    do throws(EngineError) { try leave(WriterNote(files: [], problem: message)) } catch {
      // One without a word ends the chief's wait too.
      try? files.makeEmptyFile(path + "/" + WriterNote.fileName(of: writer))
    }
  }

  private func leave(_ note: WriterNote) throws(EngineError) {
    let place = path + "/" + WriterNote.fileName(of: writer)
    let temporary = path + "/" + WriterNote.temporaryName(of: writer)
    let text = try note.text()
    try FileWriter.write(new: temporary, subject: place, files: files, flushing: false) {
      file throws(EngineError) in try file.write(text)
    }
    do throws(EngineError) {
      try FileWriter.attempt(place, "rename the file") { () throws(SystemError) in
        try files.rename(temporary, to: place)
      }
    } catch {
      try? files.remove(temporary)
      throw error
    }
  }

  // MARK: The chief

  /// Waits for the other writers, writes the manifest and gives the state its name; what was saved of this ordinal before
  /// is removed then.
  ///
  /// - Parameters:
  ///   - writers: how many there are, the chief included.
  ///   - payload: JSON to keep in the manifest.
  ///   - limit: how long the other writers are waited for.
  /// - Returns: the state.
  /// - Throws: `EngineError.file` that names the path, the step and the reason, and what a writer says; nothing is left
  ///   then, and older states are as they were.
  package func commit(
    writers: Int, payload: Data, limit: Duration
  ) throws(EngineError) -> StateEntry {
    guard writer == 0 else {
      throw .invalidArgument(
        message: "state: writer \(writer) cannot complete it, only writer 0 can")
    }
    do throws(EngineError) {
      return try complete(writers, payload, limit)
    } catch {
      abandon()
      throw error
    }
  }

  /// Gives the save up and removes what is there of it. Writers other than the chief remove nothing.
  package func abandon() {
    if writer == 0 { try? files.removeTree(path) }
  }

  private func complete(
    _ writers: Int, _ payload: Data, _ limit: Duration
  ) throws(EngineError) -> StateEntry {
    try StateManifest.check(payload: payload)
    var sums = written.withLock { $0 }
    sums += try othersFiles(writers, limit)
    sums.sort { SafeTensors.precedes($0.name, $1.name) }
    let manifest = StateManifest(
      writtenBy: writtenBy, ordinal: ordinal, files: sums, payload: payload)
    let place = path + "/" + StateManifest.fileName
    try FileWriter.write(new: place, subject: place, files: files) { file throws(EngineError) in
      try file.write(manifest.text)
    }
    for other in 1..<max(1, writers) {
      try? files.remove(path + "/" + WriterNote.fileName(of: other))
    }
    try flush()
    try expect(sums.map(\.name))
    let entry = try nextEntry()
    try FileWriter.attempt(path, "rename to \(entry.path)") { () throws(SystemError) in
      try files.rename(path, to: entry.path)
    }
    do throws(EngineError) { try folder.flush() } catch {
      // Whether the name is on the disk nobody knows: an error must not leave a state that may go.
      try? folder.remove(entry)
      throw error
    }
    for old in (try? folder.entries()) ?? [] where old.ordinal == ordinal && old < entry {
      try? folder.remove(old)
    }
    return entry
  }

  /// What the other writers have written, when all have told it.
  private func othersFiles(_ writers: Int, _ limit: Duration) throws(EngineError) -> [FileSum] {
    var missing = Array(1..<max(1, writers))
    if missing.isEmpty { return [] }
    var sums: [FileSum] = []
    let isComplete = try Polling.wait(limit) { () throws(EngineError) -> Bool in
      let names = Set(try list())
      let told = missing.filter { names.contains(WriterNote.fileName(of: $0)) }
      missing.removeAll { told.contains($0) }
      for other in told {
        let note = try WriterNote(path + "/" + WriterNote.fileName(of: other))
        if let problem = note.problem {
          throw .file(path: path, message: "rank \(other) could not write its part: \(problem)")
        }
        sums += note.files
      }
      return missing.isEmpty
    }
    guard isComplete else {
      throw .file(
        path: path,
        message: "\(EngineError.Holding.name(ranks: missing)) did not write a part of the state "
          + "within \(limit); where ranks do not share this folder, one must write all")
    }
    return sums
  }

  /// Throws unless the files that the manifest lists are there: another run may have removed them as leftovers.
  private func expect(_ names: [String]) throws(EngineError) {
    let found = Set(try list())
    for name in names where !found.contains(name) {
      throw .file(
        path: path + "/" + name,
        message: "the file was written and is gone; is another run writing to \(folder.path)?")
    }
    for (name, next) in zip(names, names.dropFirst()) where name == next {
      throw .file(path: path + "/" + name, message: "several writers say that they have written it")
    }
  }

  /// A name that nothing in the folder has.
  private func nextEntry() throws(EngineError) -> StateEntry {
    let same = try folder.names().compactMap { StateEntry(name: $0, in: folder.path) }
      .filter { $0.ordinal == ordinal }
    return StateEntry(
      ordinal: ordinal, attempt: (same.map(\.attempt).max() ?? -1) + 1, in: folder.path)
  }

  private func list() throws(EngineError) -> [String] {
    try FileWriter.attempt(path, "list the folder") { () throws(SystemError) in
      try files.list(path)
    }
  }

  private func flush() throws(EngineError) {
    try FileWriter.attempt(path, "flush the folder") { () throws(SystemError) in
      try files.flushFolder(path)
    }
  }
}
