import DataFiles
import Engine
import Foundation
import SwiftProtobuf
import Synchronization
import Tensors

/// A file of events, as TensorBoard reads it: each event in the frame of ``TFRecord``, written at once, so that what is there can be looked at
/// while training goes on and is complete when it breaks off.
final class EventFile {
  let path: String
  private var descriptor: Int32

  private static let number = FileNumber()

  /// Makes a new file in `folder`, which is made where it is missing, and writes the event that begins it.
  ///
  /// - Throws: `EngineError.file` when that cannot be done.
  init(in folder: String) throws(EngineError) {
    try Folders.make(folder)
    let now = Date().timeIntervalSince1970
    let host = ProcessInfo.processInfo.hostName
    // TensorBoard takes files by the part `tfevents`, in the order of their names: by time, then, in one process, by number.
    let number = String(format: "%06d", Self.number.next())
    path = "\(folder)/events.out.tfevents.\(Int(now)).\(host).\(getpid()).\(number).v2"
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw .file(path: path, message: "cannot make the file: \(systemReason(errno))")
    }
    var first = TBEvent()
    first.wallTime = now
    first.fileVersion = "brain.Event:2"
    first.sourceMetadata.writer = "apus"
    try write(first)
  }

  deinit { close() }

  /// Closes the file, once.
  func close() {
    if descriptor >= 0 { Foundation.close(descriptor) }
    descriptor = -1
  }

  /// Appends values at one step.
  ///
  /// - Throws: `EngineError.file` when the disk does not take them.
  func write(_ values: [TBSummary.Value], step: Int) throws(EngineError) {
    var event = TBEvent()
    event.wallTime = Date().timeIntervalSince1970
    event.step = Int64(step)
    event.summary.value = values
    try write(event)
  }

  private func write(_ event: TBEvent) throws(EngineError) {
    let bytes: [UInt8]
    do {
      bytes = try event.serializedBytes()
    } catch {
      throw .file(path: path, message: "cannot write an event: \(error)")
    }
    let code = TFRecord.framed(bytes).withUnsafeBytes { FileWriter.write($0, to: descriptor) }
    if code != 0 { throw .file(path: path, message: "cannot write: \(systemReason(code))") }
  }
}

/// Counts the files of this process.
private final class FileNumber: Sendable {
  private let count = Mutex(0)

  func next() -> Int {
    count.withLock {
      $0 += 1
      return $0 - 1
    }
  }
}
