import DataFiles
import Foundation
import Logging
import OrderedCollections
import Tensors

/// Writes the logs of each epoch as a row of a file, on rank 0.
///
/// The columns are `epoch`, counted from 0, and the names of the first epoch in the order of the
/// logs, with those of validation where that comes in later epochs only; a name that an epoch lacks gives `NA`. Numbers are
/// written such that reading them gives the same bits.
///
/// Folders that are missing are made. Where rank 0 cannot write, all ranks end with its error.
///
/// - Note: Departs from Keras: columns are in the order of the logs, and there are columns `val_...` only where there is a validation; Keras sorts
///   the names, and has those columns also without any.
/// - SeeAlso: Keras, `callbacks.CSVLogger`.
public final class CSVLogger: Callback, StatefulCallback {
  private let path: String
  private let separator: String
  private let append: Bool
  private var descriptor: Int32 = -1
  /// The columns after `epoch`; nil until the first epoch.
  private var names: [String]?
  private var hasWarned = false

  /// Writes to the file `path`.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - separator: stands between columns.
  ///   - append: whether rows are added to a file that is there, under its columns; else it is
  ///     replaced.
  public init(path: String, separator: String = ",", append: Bool = false) {
    self.path = path
    self.separator = separator
    self.append = append
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Opens the file, and keeps other processes from logging to it until the training ends.
  ///
  /// - Throws: `EngineError.file` when it cannot be written, is a pipe, or another process is logging to it;
  ///   `EngineError.invalidArgument` for a separator that is empty, a quote or a line's end.
  public override func onTrainBegin(logs: Logs) throws {
    let isSeparator = !separator.isEmpty && !separator.contains { $0 == "\"" || $0.isNewline }
    try require(
      isSeparator, "separator", "text without quotes and line ends",
      found: separator.debugDescription)
    hasWarned = false
    try asChief(openFile)
  }

  private func openFile() throws {
    try Folders.make(for: path)
    if descriptor >= 0 { close(descriptor) }
    // What is there was written before the run was broken off, and restored from then on.
    let append = append || parameters.isResumed
    // O_NONBLOCK: opening a pipe that nobody reads would wait for ever.
    descriptor = open(
      path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | (append ? O_APPEND : 0), 0o644)
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else { throw failure("open", errno) }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG || kind == S_IFCHR else { throw failure("open", ENXIO) }
    // Closing any descriptor of a file gives up a process's locks on it, so this comes first.
    names = append && kind == S_IFREG ? presentNames() : nil
    guard kind == S_IFREG else { return }
    try lock()
    if !append, ftruncate(descriptor, 0) != 0 { throw failure("empty", errno) }
  }

  /// Locks the whole file (POSIX, per process); a file system without locks does without.
  private func lock() throws {
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    guard fcntl(descriptor, F_SETLK, &lock) != 0, errno == EAGAIN || errno == EACCES else { return }
    throw EngineError.file(
      path: path,
      message: "CSVLogger: another process is logging to this file; give each run a file of its own"
    )
  }

  /// Adds a row.
  ///
  /// - Throws: `EngineError.file` when the file cannot be written.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    try asChief { try addRow(epoch, logs) }
  }

  private func addRow(_ epoch: Int, _ logs: Logs) throws {
    guard descriptor >= 0 else { return }
    var text = ""
    let columns = names ?? columns(of: logs)
    if names == nil {
      names = columns
      text = row(["epoch"] + columns)
    }
    text += row([String(epoch)] + columns.map { name in logs[name].map { "\($0)" } ?? "NA" })
    try write(text)
    let extra = logs.keys.filter { !columns.contains($0) }
    if !extra.isEmpty, !hasWarned {
      hasWarned = true
      logger.warning(
        "CSVLogger: \(path) has columns \(columns) and so no place for \(extra)")
    }
  }

  /// The names of the first epoch, and those of validation that will come.
  private func columns(of logs: Logs) -> [String] {
    let names = Array(logs.keys)
    guard parameters.hasValidation, !names.contains(where: { $0.hasPrefix("val_") }) else {
      return names
    }
    return names + names.filter { $0 != "learning_rate" }.map { "val_" + $0 }
  }

  /// How many bytes the file has: what was written after the state that a run goes on from is written again.
  public func savedState() -> Int? {
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return nil }
    return Int(status.st_size)
  }

  /// Cuts the file to the bytes that it had, on rank 0.
  ///
  /// - Throws: `EngineError.file` when it cannot be cut; a file that has fewer bytes is left as it is, with a warning.
  public func restore(_ state: Int?) throws {
    try asChief {
      guard let state, let size = savedState() else { return }
      guard size >= state else {
        logger.warning(
          "CSVLogger: \(path) has lost rows: it has \(size) bytes, and had \(state) when the state was saved"
        )
        return
      }
      if ftruncate(descriptor, off_t(state)) != 0 { throw failure("cut", errno) }
      // Reading the names has given the lock up.
      names = presentNames()
      try lock()
    }
  }

  /// Closes the file; all lines are on disk then.
  public override func onTrainEnd(logs: Logs) {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }

  private func write(_ text: String) throws {
    let code = Array(text.utf8).withUnsafeBytes { FileWriter.write($0, to: descriptor) }
    if code != 0 { throw failure("write", code) }
  }

  private func failure(_ verb: String, _ code: Int32) -> EngineError {
    let reason =
      code == ENXIO ? "expected a regular file, found a pipe" : systemReason(code)
    return .file(path: path, message: "CSVLogger cannot \(verb): \(reason)")
  }
}

// MARK: - Rows

extension CSVLogger {
  private func row(_ cells: [String]) -> String {
    cells.map(quoted).joined(separator: separator) + "\n"
  }

  private func quoted(_ cell: String) -> String {
    let isPlain = !cell.contains(separator) && !cell.contains("\"") && !cell.contains("\n")
    if isPlain { return cell }
    return "\"" + cell.replacing("\"", with: "\"\"") + "\""
  }

  /// The columns of the file that is there, after the first one; nil without such a file.
  private func presentNames() -> [String]? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    guard let header = text.split(separator: "\n", maxSplits: 1).first else { return nil }
    var cells: [String] = []
    var isQuoted = false
    // A part that is cut within quotes goes on behind the separator.
    for part in header.components(separatedBy: separator) {
      if isQuoted, let last = cells.popLast() {
        cells.append(last + separator + part)
      } else {
        cells.append(part)
      }
      if !part.count(where: { $0 == "\"" }).isMultiple(of: 2) { isQuoted.toggle() }
    }
    return cells.dropFirst().map { cell in
      guard cell.hasPrefix("\""), cell.count > 1 else { return cell }
      return String(cell.dropFirst().dropLast()).replacing("\"\"", with: "\"")
    }
  }
}
