import DataFiles
import Foundation
import Synchronization
import Testing

/// Files of one folder, and what would be left of them if the power went.
///
/// Certain is only what was waited for: bytes of a file by `flush`, names in a folder by `flushFolder`. Of all else any
/// part may be there: each change of a name by itself, and more bytes, right or zero.
final class PowerLossFiles: FileLayer {
  private final class Node {
    let isFolder: Bool
    var bytes: [UInt8] = []
    var safeBytes = 0
    var names: [String: Node] = [:]
    var safeNames: [String: Node] = [:]
    var changes: [Change] = []

    init(isFolder: Bool) { self.isFolder = isFolder }
  }

  private enum Change {
    case add(String, Node)
    case remove(String)
    case rename(String, String, Node)
  }

  private struct State: ~Copyable {
    let root = Node(isFolder: true)
    var open: [Int32: Node] = [:]
  }

  private let root: String
  private let base = SystemFiles()
  private let state = Mutex(State())

  /// - Parameter root: an empty folder.
  init(root: String) { self.root = root }

  // MARK: Calls

  func create(_ path: String) throws(SystemError) -> Int32 {
    let descriptor = try base.create(path)
    state.withLock { state in
      let file = Node(isFolder: false)
      add(file, path, state.root)
      state.open[descriptor] = file
    }
    return descriptor
  }

  func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) -> Int {
    let count = try base.write(bytes, to: descriptor)
    let written = Array(bytes.prefix(count))
    state.withLock { $0.open[descriptor]?.bytes += written }
    return count
  }

  func flush(_ descriptor: Int32) throws(SystemError) {
    state.withLock { state in
      guard let file = state.open[descriptor] else { return }
      file.safeBytes = file.bytes.count
    }
  }

  func close(_ descriptor: Int32) throws(SystemError) {
    state.withLock { $0.open[descriptor] = nil }
    try base.close(descriptor)
  }

  func rename(_ path: String, to other: String) throws(SystemError) {
    try base.rename(path, to: other)
    state.withLock { state in
      let (folder, name) = place(path, state.root)
      let (target, newName) = place(other, state.root)
      guard let folder, folder === target, let node = folder.names.removeValue(forKey: name) else {
        Issue.record("rename of \(path), which is not there, or to another folder")
        return
      }
      folder.names[newName] = node
      folder.changes.append(.rename(name, newName, node))
    }
  }

  func makeFolder(_ path: String) throws(SystemError) {
    try base.makeFolder(path)
    state.withLock { add(Node(isFolder: true), path, $0.root) }
  }

  func remove(_ path: String) throws(SystemError) {
    try base.remove(path)
    state.withLock { drop(path, $0.root) }
  }

  func removeFolder(_ path: String) throws(SystemError) {
    try base.removeFolder(path)
    state.withLock { drop(path, $0.root) }
  }

  func list(_ path: String) throws(SystemError) -> [String] { try base.list(path) }

  func flushFolder(_ path: String) throws(SystemError) {
    state.withLock { state in
      guard let folder = node(path, state.root) else { return }
      folder.safeNames = folder.names
      folder.changes = []
    }
  }

  // MARK: Power

  /// Makes the folder what the disk may hold after the power has gone.
  func losePower(using generator: inout some RandomNumberGenerator) throws {
    for name in try base.list(root) {
      try FileManager.default.removeItem(atPath: root + "/" + name)
    }
    // Sometimes nothing that was not waited for is there, sometimes all.
    let chances: [Double] = [0, 0.3, 0.5, 0.7, 1]
    let chance = chances.randomElement(using: &generator) ?? 0.5
    let seed = generator.next()
    try state.withLock { state in
      var generator = Generator(state: seed)
      try Self.put(state.root, root, chance, &generator)
    }
  }

  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
  }

  private static func put(
    _ node: Node, _ path: String, _ chance: Double, _ generator: inout Generator
  ) throws {
    guard node.isFolder else {
      var bytes = Array(node.bytes.prefix(node.safeBytes))
      let more = node.bytes.dropFirst(node.safeBytes)
      if Double.random(in: 0..<1, using: &generator) < chance {
        let length = Int.random(in: 0...more.count, using: &generator)
        let isZero = Bool.random(using: &generator)
        bytes += isZero ? Array(repeating: 0, count: length) : Array(more.prefix(length))
      }
      return try DataFixture.write(bytes, to: path)
    }
    if !FileManager.default.fileExists(atPath: path) {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
    var names = node.safeNames
    for change in node.changes where Double.random(in: 0..<1, using: &generator) < chance {
      switch change {
      case .add(let name, let child): names[name] = child
      case .remove(let name): names[name] = nil
      case .rename(let name, let other, let child):
        names[name] = nil
        names[other] = child
      }
    }
    for (name, child) in names.sorted(by: { $0.key < $1.key }) {
      try put(child, path + "/" + name, chance, &generator)
    }
  }

  // MARK: Names

  private func node(_ path: String, _ top: Node) -> Node? {
    path.dropFirst(root.count).split(separator: "/").reduce(Optional(top)) { folder, name in
      folder?.names[String(name)]
    }
  }

  private func place(_ path: String, _ top: Node) -> (folder: Node?, name: String) {
    let parts = path.split(separator: "/")
    return (
      node(String(path.dropLast((parts.last?.count ?? 0) + 1)), top), String(parts.last ?? "")
    )
  }

  private func add(_ child: Node, _ path: String, _ top: Node) {
    let (folder, name) = place(path, top)
    folder?.names[name] = child
    folder?.changes.append(.add(name, child))
  }

  private func drop(_ path: String, _ top: Node) {
    let (folder, name) = place(path, top)
    folder?.names[name] = nil
    folder?.changes.append(.remove(name))
  }
}
