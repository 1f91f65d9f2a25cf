import DataFiles
import Foundation
import Synchronization

/// Files whose calls are counted, fail, or have no effect any more from one of them on.
///
/// Waiting for the disk is counted and not done: tests take no power away here.
final class FaultyFiles: FileLayer {
  /// What goes wrong.
  enum Fault: Sendable {
    /// Nothing.
    case none
    /// The call with this number, from 0, fails with this code and has no effect.
    case fail(Int, code: Int32)
    /// From this call on nothing new can be written: the disk is full.
    case full(Int)
    /// The process is killed in this call: a write has done a part of its work, other calls nothing. What is called
    /// afterwards has no effect.
    case cut(Int)
  }

  /// A call, for messages.
  struct Call: Sendable, CustomStringConvertible {
    var name: String
    var path: String
    var description: String { "\(name) \(path)" }
  }

  private struct State {
    var calls: [Call] = []
    var isDead = false
    var paths: [Int32: String] = [:]
  }

  private enum Course { case work, part }

  private let base: any FileLayer
  private let fault: Fault
  private let state = Mutex(State())

  init(_ fault: Fault = .none, over base: any FileLayer = SystemFiles()) {
    self.fault = fault
    self.base = base
  }

  /// All calls so far, those without effect left out.
  var calls: [Call] { state.withLock { $0.calls } }

  private func enter(
    _ name: String, _ path: String, grows: Bool = false
  ) throws(SystemError) -> Course {
    let result: Result<Course, SystemError> = state.withLock { state in
      if state.isDead { return .failure(SystemError(ECANCELED)) }
      let number = state.calls.count
      state.calls.append(Call(name: name, path: path))
      switch fault {
      case .fail(number, let code): return .failure(SystemError(code))
      case .full(let first) where number >= first && grows: return .failure(SystemError(ENOSPC))
      case .cut(number):
        state.isDead = true
        return name == "write" ? .success(.part) : .failure(SystemError(ECANCELED))
      default: return .success(.work)
      }
    }
    return try result.get()
  }

  func create(_ path: String) throws(SystemError) -> Int32 {
    _ = try enter("create", path, grows: true)
    let descriptor = try base.create(path)
    state.withLock { $0.paths[descriptor] = path }
    return descriptor
  }

  func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) -> Int {
    let path = state.withLock { $0.paths[descriptor] } ?? ""
    guard try enter("write", path, grows: true) == .part else {
      return try base.write(bytes, to: descriptor)
    }
    // How much depends on the size alone, so that runs are the same.
    let some = UnsafeRawBufferPointer(rebasing: bytes.prefix(bytes.count * 5 / 8))
    if !some.isEmpty { _ = try base.write(some, to: descriptor) }
    throw SystemError(ECANCELED)
  }

  func flush(_ descriptor: Int32) throws(SystemError) {
    _ = try enter("flush", state.withLock { $0.paths[descriptor] } ?? "")
    if !(base is SystemFiles) { try base.flush(descriptor) }
  }

  func close(_ descriptor: Int32) throws(SystemError) {
    // A killed process closes its files too.
    let path = state.withLock { $0.paths.removeValue(forKey: descriptor) } ?? ""
    try base.close(descriptor)
    _ = try enter("close", path)
  }

  func rename(_ path: String, to other: String) throws(SystemError) {
    _ = try enter("rename", path)
    try base.rename(path, to: other)
  }

  func makeFolder(_ path: String) throws(SystemError) {
    _ = try enter("makeFolder", path, grows: true)
    try base.makeFolder(path)
  }

  func remove(_ path: String) throws(SystemError) {
    _ = try enter("remove", path)
    try base.remove(path)
  }

  func removeFolder(_ path: String) throws(SystemError) {
    _ = try enter("removeFolder", path)
    try base.removeFolder(path)
  }

  func list(_ path: String) throws(SystemError) -> [String] {
    _ = try enter("list", path)
    return try base.list(path).sorted()
  }

  func flushFolder(_ path: String) throws(SystemError) {
    _ = try enter("flushFolder", path)
    if !(base is SystemFiles) { try base.flushFolder(path) }
  }
}
