import DataFiles
import Foundation
import Tensors
import TensorsTestSupport
import Testing

/// Saves during which the power goes: only what was waited for is sure to be on the disk.
@Suite struct StatePowerLossTests {
  @Test(
    "power that goes at any call leaves the old state or the new one; once saved, a state is safe",
    arguments: [1, 3])
  func everyCall(writers: Int) throws {
    let old = StateSample(ordinal: 10, writers: writers, seed: 1)
    let new = StateSample(ordinal: 11, writers: writers, seed: 2)
    let again = StateSample(ordinal: 11, writers: writers, seed: 3)
    var generator = SeededGenerator(seed: 4)
    var number = 0
    var isComplete = false
    var oldOnes = 0
    while !isComplete {
      for _ in 0..<3 {
        try DataFixture.withFolder { root in
          let path = root + "/runs/state"
          let power = PowerLossFiles(root: root)
          try old.save(to: path, FaultyFiles(over: power))
          let files = FaultyFiles(.cut(number), over: power)
          var allowed = [old, new]
          do {
            try new.save(to: path, files)
            allowed = [new]
            try StateFolder(path: path, files: files).prune { [$0[0]] }
            try again.save(to: path, files)
            allowed = [again]
            isComplete = files.calls.count <= number
          } catch {
            if allowed == [new] { allowed = [new, again] }
          }
          try power.losePower(using: &generator)
          let comment: Comment =
            "power lost at call \(number), \(files.calls.last?.description ?? "")"
          if StateSample.expectNewest(path, allowed, comment) == 0 { oldOnes += 1 }
          let folder = StateFolder(path: path, files: FaultyFiles())
          for entry in try folder.entries() { _ = try folder.load(entry) }
        }
      }
      number += 1
    }
    #expect(number > 50 && oldOnes > number)
  }

  @Test("power that goes at any call of the first save leaves no state or that one")
  func first() throws {
    let new = StateSample(ordinal: 1, writers: 2, seed: 2)
    var generator = SeededGenerator(seed: 5)
    var number = 0
    var isComplete = false
    while !isComplete {
      for _ in 0..<6 {
        try DataFixture.withFolder { root in
          let path = root + "/runs/state"
          let power = PowerLossFiles(root: root)
          let files = FaultyFiles(.cut(number), over: power)
          isComplete = (try? new.save(to: path, files)) != nil
          try power.losePower(using: &generator)
          let state = try StateFolder(path: path).newest { Issue.record("\(number): \($0)") }
          if let state { #expect(try new.equals(state)) } else { #expect(!isComplete) }
        }
      }
      number += 1
    }
    #expect(number > 20)
  }

  @Test("a save after one that was killed is as safe: the folder may not be on the disk yet")
  func afterCut() throws {
    let samples = (1...2).map { StateSample(ordinal: $0, seed: $0) }
    var generator = SeededGenerator(seed: 7)
    for number in 0..<20 {
      for _ in 0..<3 {
        try DataFixture.withFolder { root in
          let path = root + "/state"
          let power = PowerLossFiles(root: root)
          _ = try? samples[0].save(to: path, FaultyFiles(.cut(number), over: power))
          try samples[1].save(to: path, FaultyFiles(over: power))
          try power.losePower(using: &generator)
          StateSample.expectNewest(path, [samples[1]], "the first was cut at call \(number)")
        }
      }
    }
  }

  @Test("a single file is the old one or the new one after a loss of power at any call")
  func atomicFile() throws {
    var generator = SeededGenerator(seed: 6)
    let (old, new) = ([UInt8](repeating: 1, count: 100), [UInt8](repeating: 2, count: 5_000))
    var number = 0
    var isComplete = false
    while !isComplete {
      for _ in 0..<10 {
        try DataFixture.withFolder { root in
          let path = root + "/file"
          let power = PowerLossFiles(root: root)
          try AtomicFile.write(old, to: path, files: power)
          let files = FaultyFiles(.cut(number), over: power)
          isComplete = (try? AtomicFile.write(new, to: path, files: files)) != nil
          try power.losePower(using: &generator)
          let found = try ByteReader(path: path).readAll().withBytes { Array($0) }
          #expect(found == new || (!isComplete && found == old), "call \(number)")
        }
      }
      number += 1
    }
    #expect(number > 5)
  }
}
