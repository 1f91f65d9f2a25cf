import DataFiles
import Foundation
import Tensors
import TensorsTestSupport
import Testing

/// States that are damaged: always an error that names the file, and the older state; never wrong data.
@Suite struct StateDamageTests {
  private static let old = StateSample(ordinal: 1, writers: 1, seed: 1)
  private static let new = StateSample(ordinal: 2, writers: 2, seed: 2)
  private static let files = [
    "manifest.json", "weights-0.safetensors", "weights-1.safetensors", "note-0", "note-1",
  ]

  /// Calls `body` with a folder of an old state and a new one, and the folder of the new one.
  private func withStates(_ body: (String, StateEntry) throws -> Void) throws {
    try DataFixture.withFolder { root in
      try Self.old.save(to: root, FaultyFiles())
      try body(root, try Self.new.save(to: root, FaultyFiles()))
    }
  }

  /// Expects the new state to be refused with an error that names `file`, and the old one to be taken.
  private func expectOld(
    _ root: String, _ entry: StateEntry, _ file: String, _ texts: [String] = [],
    _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let path = file.isEmpty ? entry.path : entry.path + "/" + file
    let folder = StateFolder(path: root)
    DataFixture.expectFileError(path, texts, sourceLocation: sourceLocation) {
      _ = try folder.load(entry)
    }
    var warnings: [String] = []
    let state = try #require(try folder.newest { warnings.append($0) })
    #expect(try Self.old.equals(state), comment, sourceLocation: sourceLocation)
    #expect(warnings.count == 1, comment, sourceLocation: sourceLocation)
    for text in ["state-000000000002 cannot be used: \(path)", "trying state-000000000001"] {
      #expect(warnings.first?.contains(text) == true, comment, sourceLocation: sourceLocation)
    }
  }

  @Test("a flipped bit in any byte of any file is found", arguments: files)
  func flippedBits(name: String) throws {
    var generator = SeededGenerator(seed: 3)
    try withStates { root, entry in
      let path = entry.path + "/" + name
      let bytes = try DataFixture.content(path)
      let folder = StateFolder(path: root)
      for position in bytes.indices {
        var changed = bytes
        changed[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        try DataFixture.write(changed, to: path)
        DataFixture.expectFileError(path, ["damaged"]) { _ = try folder.load(entry) }
      }
      try DataFixture.write(bytes, to: path)
      #expect(try Self.new.equals(folder.load(entry)))
    }
  }

  @Test("cuts, insertions and other changes of any file are found", arguments: files)
  func changes(name: String) throws {
    var generator = SeededGenerator(seed: 4)
    try withStates { root, entry in
      let path = entry.path + "/" + name
      let bytes = try DataFixture.content(path)
      for turn in 0..<100 {
        var changed = bytes
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        let count = Int.random(in: 1...20, using: &generator)
        let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        switch turn % 5 {
        case 0: changed.removeLast(bytes.count - position)
        case 1: changed.insert(contentsOf: noise, at: position)
        case 2: changed.replaceSubrange(position..<min(bytes.count, position + count), with: noise)
        case 3: changed.removeSubrange(position..<min(bytes.count, position + count))
        default: changed = noise
        }
        if changed == bytes { continue }
        try DataFixture.write(changed, to: path)
        try expectOld(root, entry, name, [], "turn \(turn)")
      }
    }
  }

  @Test("a file that changes after it was verified is found when it is read")
  func later() throws {
    try withStates { root, entry in
      let state = try StateFolder(path: root).load(entry)
      for name in ["weights-0.safetensors", "note-1"] {
        var bytes = try DataFixture.content(entry.path + "/" + name)
        bytes[bytes.count - 1] ^= 1
        try DataFixture.write(bytes, to: entry.path + "/" + name)
        DataFixture.expectFileError(entry.path + "/" + name, ["damaged"]) {
          if name == "note-1" {
            _ = try state.bytes(of: name)
          } else {
            _ = try state.tensors(of: name)
          }
        }
      }
      // Unverified, sizes are compared all the same.
      let folder = StateFolder(path: root)
      _ = try folder.load(entry, verifying: false)
      try DataFixture.write([1], to: entry.path + "/note-0")
      DataFixture.expectFileError(entry.path + "/note-0", ["as the manifest says, found 1"]) {
        _ = try folder.load(entry, verifying: false)
      }
    }
  }

  @Test("a missing file, and something else in its place, are named", arguments: files)
  func missing(name: String) throws {
    try withStates { root, entry in
      let path = entry.path + "/" + name
      let away = root + "/away"
      try SystemFiles().rename(path, to: away)
      try expectOld(root, entry, name, ["No such file"])
      try SystemFiles().makeFolder(path)
      try expectOld(root, entry, name, ["expected a regular file, found a directory"])
      try SystemFiles().removeFolder(path)
      // The very bytes, but not of this folder.
      #expect(symlink(away, path) == 0)
      try expectOld(root, entry, name, ["expected a file, found a symbolic link"])
      try SystemFiles().remove(path)
      #expect(mkfifo(path, 0o600) == 0)
      try expectOld(root, entry, name, ["expected a regular file"])
      try SystemFiles().remove(path)
      try SystemFiles().rename(away, to: path)
      // Foreign files do not matter.
      try DataFixture.write([1, 2], to: entry.path + "/foreign")
      #expect(try Self.new.equals(StateFolder(path: root).load(entry)))
    }
  }

  @Test("what has the name of a state and is none is named")
  func noState() throws {
    try withStates { root, entry in
      try SystemFiles().rename(entry.path, to: root + "/away")
      #expect(symlink(root + "/away", entry.path) == 0)
      try expectOld(root, entry, "", ["not a folder"])
      // Only the link goes when it is removed.
      let folder = StateFolder(path: root)
      try folder.remove(entry)
      #expect(try StateSample.names(root + "/away").count == 5)
      try DataFixture.write([1], to: entry.path)
      try expectOld(root, entry, "", ["not a folder"])
      // The name is taken: the state gets another one.
      let again = try Self.new.save(to: root, FaultyFiles())
      #expect(again.name == "state-000000000002-1")
      StateSample.expectNewest(root, [Self.new])
      try SystemFiles().makeFolder(root + "/state-000000000003")
      var warnings = 0
      _ = try folder.newest { warnings += $0.contains("manifest.json: cannot open") ? 1 : 0 }
      #expect(warnings == 1)
      try SystemFiles().rename(again.path, to: root + "/state-000000000004")
      let moved = try #require(try folder.entries().first)
      DataFixture.expectFileError(
        moved.path + "/manifest.json", ["expected the state of step 4, found that of 2"]
      ) {
        _ = try folder.load(moved)
      }
    }
  }

  @Test("states none of which is good are an error that says what is wrong with the newest")
  func none() throws {
    try withStates { root, entry in
      for entry in try StateFolder(path: root).entries() {
        try DataFixture.write([0], to: entry.path + "/note-0")
      }
      var warnings: [String] = []
      DataFixture.expectFileError(
        root, ["none of the 2 states", entry.path + "/note-0", "found 1"]
      ) {
        _ = try StateFolder(path: root).newest { warnings.append($0) }
      }
      #expect(warnings.count == 2)
    }
    try DataFixture.withFile([1]) { path in
      DataFixture.expectFileError(path, ["cannot list", "Not a directory"]) {
        _ = try StateFolder(path: path).newest { _ in }
      }
    }
  }
}
