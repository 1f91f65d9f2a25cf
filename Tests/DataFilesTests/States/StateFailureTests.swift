import DataFiles
import Foundation
import Tensors
import TensorsTestSupport
import Testing

/// Saves in which a call of the system fails.
@Suite struct StateFailureTests {
  /// Whether a save goes on without the call: what it does only tidies up.
  private func isTidying(_ call: FaultyFiles.Call) -> Bool {
    call.path.contains("/.removing-") || call.path.contains("/.done-")
  }

  @Test(
    "each call that fails gives an error with path, step and reason; nothing is left, nothing is lost",
    arguments: [1, 3], [ENOSPC, EIO, EROFS, EACCES])
  func everyCall(writers: Int, code: Int32) throws {
    let old = StateSample(ordinal: 10, writers: 2, seed: 1)
    let new = StateSample(ordinal: 11, writers: writers, seed: 2)
    var number = 0
    var isComplete = false
    var errors = 0
    while !isComplete {
      try DataFixture.withFolder { root in
        let path = root + "/state"
        try old.save(to: path, FaultyFiles())
        let before = try StateSample.contents(path)
        let files = FaultyFiles(.fail(number, code: code))
        do {
          try new.save(to: path, files)
          isComplete = files.calls.count <= number
          StateSample.expectNewest(path, [new], "call \(number)")
        } catch let error as EngineError {
          errors += 1
          let call = files.calls[number]
          let text = error.description
          let reason = String(cString: strerror(code))
          #expect(error.kind == .file && error.file?.path.hasPrefix(path) == true, "\(call)")
          #expect(text.contains(reason) && text.contains("cannot"), "\(call): \(text)")
          #expect(try StateSample.contents(path) == before, "\(call): \(text)")
        }
        try StateSample(ordinal: 12, seed: 3).save(to: path, FaultyFiles())
        #expect(try StateSample.names(path).allSatisfy { !$0.hasPrefix(".") })
      }
      number += 1
    }
    #expect(errors > 12 * writers)
  }

  @Test("a disk that is full from any call on keeps the older state, and nothing of the new one")
  func fullDisk() throws {
    let old = StateSample(ordinal: 10, writers: 2, seed: 1)
    let new = StateSample(ordinal: 11, writers: 3, seed: 2)
    var number = 0
    var isComplete = false
    while !isComplete {
      try DataFixture.withFolder { root in
        let path = root + "/state"
        try old.save(to: path, FaultyFiles())
        let before = try StateSample.contents(path)
        let files = FaultyFiles(.full(number))
        do {
          try new.save(to: path, files)
          isComplete = true
        } catch let error as EngineError {
          // A writer that cannot write cannot say so either, and is waited for.
          let isSilent = error.description.contains("did not write a part of the state")
          #expect(isSilent || error.description.contains("No space left on device"))
          #expect(try StateSample.contents(path) == before)
        }
      }
      number += 1
    }
    #expect(number > 20)
  }

  @Test("each call that fails in a removal leaves states complete, and the next save tidies up")
  func removal() throws {
    let samples = (1...3).map { StateSample(ordinal: $0, seed: $0) }
    var number = 0
    var isComplete = false
    while !isComplete {
      try DataFixture.withFolder { root in
        let path = root + "/state"
        for sample in samples { try sample.save(to: path, FaultyFiles()) }
        let files = FaultyFiles(.fail(number, code: EIO))
        do {
          try StateFolder(path: path, files: files).prune { [$0[0]] }
          isComplete = files.calls.count <= number
        } catch let error as EngineError {
          #expect(error.kind == .file && error.file?.path.hasPrefix(path) == true)
          #expect(error.description.contains("cannot") || error.description.contains("rror"))
          // The other one is removed all the same.
          #expect(try number == 0 || StateFolder(path: path).entries().count < 3)
        }
        let folder = StateFolder(path: path, files: FaultyFiles())
        for entry in try folder.entries() {
          #expect(try samples[Int(entry.ordinal) - 1].equals(folder.load(entry)))
        }
        StateSample.expectNewest(path, [samples[2]])
        try StateSample(ordinal: 4, seed: 4).save(to: path, FaultyFiles())
        #expect(try StateSample.names(path).allSatisfy { !$0.hasPrefix(".") })
      }
      number += 1
    }
    #expect(number > 15)
  }

  @Test(
    "a single file: each call that fails is named, the old file stays, no other is left",
    arguments: [ENOSPC, EIO, EROFS, EACCES])
  func atomicFile(code: Int32) throws {
    var number = 0
    var errors: [String] = []
    var isComplete = false
    while !isComplete {
      try DataFixture.withFolder { root in
        let path = root + "/file"
        try DataFixture.write([1, 2, 3], to: path)
        let files = FaultyFiles(.fail(number, code: code))
        do {
          try AtomicFile.write([4], to: path, files: files)
          isComplete = files.calls.count <= number
        } catch let error as EngineError {
          errors.append(files.calls[number].name)
          #expect(error.file?.path == path)
          #expect(error.description.contains(String(cString: strerror(code))))
          // Flushing the folder comes last: the name is there, but may not be on the disk yet.
          let isNamed = files.calls[number].name == "flushFolder"
          let found = try ByteReader(path: path).readAll().withBytes { Array($0) }
          #expect(found == (isNamed ? [4] : [1, 2, 3]))
        }
        #expect(try StateSample.names(root) == ["file"])
      }
      number += 1
    }
    #expect(errors == ["create", "write", "flush", "close", "rename", "flushFolder"])
  }
}
