import DataFiles
import Foundation
import Tensors
import TensorsTestSupport
import Testing

/// Saves that end in the middle, as when the process is killed.
@Suite struct StateCutTests {
  /// How a save relates to what is there.
  enum Place: CaseIterable { case newer, again }

  /// Cuts the save of `new` at a call and looks at what is there then; whether the new state is.
  private func cut(
    _ number: Int, _ new: StateSample, after old: StateSample, in path: String
  ) throws -> Bool {
    let files = FaultyFiles(.cut(number))
    let entry = try? new.save(to: path, files)
    let comment: Comment = "cut at call \(number), \(files.calls.last?.description ?? "")"
    let found = StateSample.expectNewest(path, [old, new], comment)
    if entry != nil { #expect(found == 1, comment) }
    // The next save of the same ordinal, and one of a higher one.
    for ordinal in [new.ordinal, new.ordinal + 1] {
      let next = StateSample(ordinal: ordinal, writers: new.writers, seed: 77)
      try next.save(to: path, FaultyFiles())
      StateSample.expectNewest(path, [next], comment)
      let names = try StateSample.names(path)
      #expect(names.allSatisfy { !$0.hasPrefix(".") }, comment)
      for entry in try StateFolder(path: path).entries() {
        _ = try StateFolder(path: path).load(entry)
      }
    }
    return found == 1
  }

  @Test(
    "a cut at every call leaves the old state or the new one, and the next save cleans up",
    arguments: [1, 3], Place.allCases)
  func everyCall(writers: Int, place: Place) throws {
    let old = StateSample(ordinal: 10, writers: 2, seed: 1)
    let new = StateSample(ordinal: place == .again ? 10 : 11, writers: writers, seed: 2)
    let count = try DataFixture.withFolder { root in
      try old.save(to: root + "/state", FaultyFiles())
      let files = FaultyFiles()
      try new.save(to: root + "/state", files)
      return files.calls.count
    }
    #expect(count > 10 * writers)
    var isNew: [Bool] = []
    for number in 0..<count {
      try DataFixture.withFolder { root in
        try old.save(to: root + "/state", FaultyFiles())
        isNew.append(try cut(number, new, after: old, in: root + "/state"))
      }
    }
    // First the old one, from one call on the new one.
    #expect(isNew.first == false && isNew.last == true)
    #expect(isNew == isNew.filter { !$0 } + isNew.filter { $0 })
  }

  @Test("1,000 random cuts, with states and leftovers of earlier ones in the same folder")
  func randomCuts() throws {
    var generator = SeededGenerator(seed: 20)
    var found = [0, 0]
    try DataFixture.withFolder { root in
      let path = root + "/state"
      var old = StateSample(ordinal: 1, seed: 1)
      try old.save(to: path, FaultyFiles())
      for turn in 0..<1_000 {
        let ordinal = old.ordinal + UInt64.random(in: 0...2, using: &generator)
        let new = StateSample(
          ordinal: ordinal, writers: Int.random(in: 1...3, using: &generator),
          seed: generator.next(), size: [0, 10, 3_000].randomElement(using: &generator) ?? 10)
        let number = Int.random(in: 0..<(25 + 15 * new.writers), using: &generator)
        let files = FaultyFiles(.cut(number))
        let isComplete = (try? new.save(to: path, files)) != nil
        let comment: Comment =
          "turn \(turn): cut at call \(number), \(files.calls.last?.description ?? "")"
        guard let index = StateSample.expectNewest(path, [old, new], comment) else { return }
        if isComplete { #expect(index == 1, comment) }
        found[index] += 1
        if index == 1 { old = new }
        let folder = StateFolder(path: path, files: FaultyFiles())
        try folder.prune { Set($0.prefix(3)) }
      }
      let last = StateSample(ordinal: old.ordinal + 1, seed: 3)
      try last.save(to: path, FaultyFiles())
      #expect(try StateSample.names(path).allSatisfy { !$0.hasPrefix(".") })
    }
    #expect(found[0] > 200 && found[1] > 200)
  }

  @Test("a writer that is killed at any of its calls costs the new state, and nothing else")
  func oneWriter() throws {
    let old = StateSample(ordinal: 10, writers: 3, seed: 1)
    let new = StateSample(ordinal: 11, writers: 3, seed: 2)
    let whole = FaultyFiles()
    try DataFixture.withFolder { root in
      _ = try new.save(to: root + "/state") { $0 == 1 ? whole : FaultyFiles() }
    }
    #expect(whole.calls.count > 8)
    for number in 0..<whole.calls.count {
      try DataFixture.withFolder { root in
        let path = root + "/state"
        try old.save(to: path, FaultyFiles())
        let before = try StateSample.contents(path)
        let files = FaultyFiles(.cut(number))
        do {
          try new.save(to: path) { $0 == 1 ? files : FaultyFiles() }
          Issue.record("no error")
        } catch let error as EngineError {
          #expect(error.file?.path.hasPrefix(path + "/.saving-000000000011-") == true)
          #expect(error.description.contains("rank 1 did not write a part"))
          #expect(error.description.contains("share this folder"))
        }
        #expect(try StateSample.contents(path) == before)
      }
    }
  }

  @Test("a cut at every call of a removal leaves complete states only")
  func removal() throws {
    let samples = (1...3).map { StateSample(ordinal: $0, seed: $0) }
    var count = 1
    var number = 0
    while number < count {
      try DataFixture.withFolder { root in
        let path = root + "/state"
        for sample in samples { try sample.save(to: path, FaultyFiles()) }
        let files = FaultyFiles(.cut(number))
        try? StateFolder(path: path, files: files).prune { [$0[0]] }
        let folder = StateFolder(path: path, files: FaultyFiles())
        for entry in try folder.entries() {
          #expect(try samples[Int(entry.ordinal) - 1].equals(folder.load(entry)))
        }
        StateSample.expectNewest(path, [samples[2]])
        try StateSample(ordinal: 4, seed: 4).save(to: path, FaultyFiles())
        #expect(try StateSample.names(path).allSatisfy { !$0.hasPrefix(".") })
        let whole = FaultyFiles()
        try StateFolder(path: path, files: whole).prune { [$0[0]] }
        count = max(count, whole.calls.count)
        #expect(try StateSample.names(path) == ["state-000000000004"])
      }
      number += 1
    }
    #expect(count > 20)
  }
}
