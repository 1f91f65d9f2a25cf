import DataFiles
import Foundation
import Tensors
import Testing

/// States that several writers write at the same time, and what they find wrong with each other.
@Suite struct StateWriterTests {
  @Test("writers that run at the same time, in any order, make one state")
  func together() throws {
    try DataFixture.withFolder { root in
      let path = root + "/state"
      for ordinal: UInt64 in 0..<10 {
        let sample = StateSample(ordinal: ordinal, writers: 4, seed: ordinal, size: 20_000)
        Self.inThreads(sample.writers) { writer in
          let folder = StateFolder(path: path, files: FaultyFiles())
          let token = "t\(ordinal)"
          if writer == 0 {
            let draft = try folder.begin(ordinal: ordinal, token: token, writtenBy: "test")
            try sample.write(0, draft)
            _ = try sample.commit(draft, limit: .seconds(60))
          } else {
            let draft = try folder.join(
              ordinal: ordinal, token: token, writer: writer, limit: .seconds(60))
            try sample.write(writer, draft)
            try draft.finish()
          }
        }
        StateSample.expectNewest(path, [sample])
        let entry = try #require(try StateFolder(path: path).entries().first)
        #expect(try StateSample.names(entry.path).count == 9)
      }
      #expect(try StateFolder(path: path).entries().map(\.ordinal) == (0..<10).reversed())
    }
  }

  /// Calls `body` with each number below `count` at the same time, and waits for all. Threads of their own, because they
  /// wait for each other.
  private static func inThreads(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Void
  ) {
    let group = DispatchGroup()
    for number in 0..<count {
      group.enter()
      Thread {
        do { try body(number) } catch { Issue.record("writer \(number): \(error)") }
        group.leave()
      }.start()
    }
    group.wait()
  }

  @Test("what a writer says is wrong is the error of the save")
  func failed() throws {
    try DataFixture.withFolder { root in
      let folder = StateFolder(path: root, files: FaultyFiles())
      let chief = try folder.begin(ordinal: 5, token: "a")
      let other = try folder.join(ordinal: 5, token: "a", writer: 2, limit: .zero)
      try folder.join(ordinal: 5, token: "a", writer: 1, limit: .zero).finish()
      other.fail("its disk is on fire")
      DataFixture.expectFileError(
        chief.path, ["rank 2 could not write its part: its disk is on fire"]
      ) {
        _ = try chief.commit(writers: 3, payload: Data("{}".utf8), limit: .seconds(60))
      }
      #expect(try StateSample.names(root) == [])
      // The chief has given up: others find that out, and it is no trap.
      DataFixture.expectFileError(other.path + "/late", ["cannot create", "No such file"]) {
        try other.write("late", bytes: [1])
      }
      other.fail("too late")
      #expect(try StateSample.names(root) == [])
    }
  }

  @Test("writers that are not heard of, and a chief that never begins, are named in time")
  func missing() throws {
    try DataFixture.withFolder { root in
      let folder = StateFolder(path: root, files: FaultyFiles())
      let chief = try folder.begin(ordinal: 5, token: "a")
      DataFixture.expectFileError(
        chief.path, ["ranks 1-3 did not write a part of the state within 0.02 seconds"]
      ) {
        _ = try chief.commit(writers: 4, payload: Data("{}".utf8), limit: .milliseconds(20))
      }
      #expect(try StateSample.names(root) == [])
      DataFixture.expectFileError(
        root + "/.saving-000000000006-b", ["did not appear within 0.02 seconds"]
      ) {
        _ = try folder.join(ordinal: 6, token: "b", writer: 1, limit: .milliseconds(20))
      }
    }
  }

  @Test("a chief that gives a save up, and a writer without room for a word, keep nobody waiting")
  func givenUp() throws {
    try DataFixture.withFolder { path in
      let folder = StateFolder(path: path)
      let draft = try folder.begin(ordinal: 1, token: "a")
      let other = try folder.join(ordinal: 1, token: "a", writer: 1, limit: .seconds(60))
      try other.write("part", bytes: [1, 2, 3])
      other.fail("the disk is full")
      // A disk that is full has room for what the writer had written.
      #expect(!FileManager.default.fileExists(atPath: draft.path + "/part"))
      let start = ContinuousClock.now
      let told = try #require(throws: EngineError.self) {
        try draft.commit(writers: 2, payload: Data("1".utf8), limit: .seconds(60))
      }
      #expect("\(told)".contains("the disk is full"))
      folder.giveUp(ordinal: 1, token: "a")
      for ordinal in [1, 0] as [UInt64] {
        let error = try #require(throws: EngineError.self) {
          _ = try folder.join(ordinal: ordinal, token: "a", writer: 1, limit: .seconds(60))
        }
        #expect("\(error)".contains("given it up"))
      }
      let next = try folder.begin(ordinal: 2, token: "b")
      #expect(try FileManager.default.contentsOfDirectory(atPath: path).count == 1)
      let note = next.path + "/.done-1.json"
      #expect(FileManager.default.createFile(atPath: note, contents: nil))
      #expect(throws: EngineError.self) {
        try next.commit(writers: 2, payload: Data("1".utf8), limit: .seconds(60))
      }
      #expect(ContinuousClock.now - start < .seconds(30))
    }
  }

  @Test("two writers cannot write a file of one name")
  func sameName() throws {
    try DataFixture.withFolder { root in
      let folder = StateFolder(path: root, files: FaultyFiles())
      let chief = try folder.begin(ordinal: 5, token: "a")
      try chief.write("x", bytes: [1])
      let other = try folder.join(ordinal: 5, token: "a", writer: 1, limit: .zero)
      DataFixture.expectFileError(chief.path + "/x", ["cannot create", "File exists"]) {
        try other.write("x", bytes: [2])
      }
      chief.abandon()
      #expect(try StateSample.names(root) == [])
    }
  }

  @Test("a run that begins in the folder of another one makes its save fail, not its state wrong")
  func twoRuns() throws {
    try DataFixture.withFolder { root in
      let folder = StateFolder(path: root, files: FaultyFiles())
      let first = try folder.begin(ordinal: 5, token: "a")
      try first.write("x", bytes: [1])
      // What the other run removes as a leftover, without the folder itself.
      try SystemFiles().remove(first.path + "/x")
      DataFixture.expectFileError(first.path + "/x", ["is gone", "another run"]) {
        _ = try first.commit(writers: 1, payload: Data("{}".utf8), limit: .zero)
      }
      let second = try folder.begin(ordinal: 5, token: "b")
      _ = try folder.begin(ordinal: 5, token: "c")
      DataFixture.expectFileError(second.path + "/x", ["cannot create", "No such file"]) {
        try second.write("x", bytes: [1])
      }
    }
  }

  @Test(
    "names that a file cannot have are refused",
    arguments: [
      "", ".", "..", "../x", "a/b", "/x", ".hidden", "manifest.json", "a\0b",
      String(repeating: "x", count: 201),
    ])
  func names(name: String) throws {
    try DataFixture.withFolder { root in
      let folder = StateFolder(path: root, files: FaultyFiles())
      let draft = try folder.begin(ordinal: 5, token: "a")
      #expect {
        try draft.write(name, bytes: [1])
      } throws: { error in
        (error as? EngineError)?.kind == .invalidArgument
      }
      draft.abandon()
      #expect(try StateSample.names(root) == [])
    }
  }

  @Test("a payload that is not JSON and a token that is no name are refused")
  func arguments() throws {
    try DataFixture.withFolder { root in
      let folder = StateFolder(path: root, files: FaultyFiles())
      for payload in ["", "{", "{} {}", "nan", "\u{1}"] {
        #expect {
          try folder.save(ordinal: 1, payload: Data(payload.utf8)) { _ in }
        } throws: { error in
          (error as? EngineError)?.description.contains("is not JSON") == true
        }
      }
      for token in ["", "../x", "a-b", "é", String(repeating: "x", count: 65)] {
        #expect {
          _ = try folder.begin(ordinal: 1, token: token)
        } throws: { error in
          (error as? EngineError)?.description.contains("letters and digits") == true
        }
      }
      #expect(try StateSample.names(root) == [])
      for payload in ["1", "null", "\"é\"", " {}\n"] {
        let entry = try folder.save(ordinal: 1, payload: Data(payload.utf8)) { _ in }
        #expect(try folder.load(entry).payload == Data(payload.utf8))
      }
    }
  }

  @Test("a state that is saved again replaces the one before, under a name of its own")
  func again() throws {
    try DataFixture.withFolder { root in
      var names: [String] = []
      for seed in 1...3 {
        let sample = StateSample(ordinal: 7, seed: UInt64(seed))
        names.append(try sample.save(to: root, FaultyFiles()).name)
        StateSample.expectNewest(root, [sample])
        #expect(try StateSample.names(root) == [names[names.count - 1]])
      }
      #expect(names == ["state-000000000007", "state-000000000007-1", "state-000000000007-2"])
    }
  }

  @Test("states are sorted by what they count, also beyond twelve digits; other names are none")
  func order() throws {
    try DataFixture.withFolder { root in
      let ordinals: [UInt64] = [9, 10, 999_999_999_999, 1_000_000_000_000, UInt64.max]
      for ordinal in ordinals {
        try StateSample(ordinal: ordinal, seed: 1).save(to: root, FaultyFiles())
      }
      for name in [
        "state-5", "state-000000000011-0", "state-000000000011-01", "state-000000000011--1",
        "state-", "state-000000000011-", "states-000000000011", "state-000000000011-1-1", "x",
      ] {
        try SystemFiles().makeFolder(root + "/" + name)
      }
      let folder = StateFolder(path: root, files: FaultyFiles())
      #expect(try folder.entries().map(\.ordinal) == ordinals.reversed())
      try folder.prune { Set($0.prefix(2)) }
      #expect(try folder.entries().map(\.ordinal) == ordinals.suffix(2).reversed())
      #expect(try StateSample.names(root).count == 11)
    }
  }
}
