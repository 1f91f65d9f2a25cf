import Engine
import Foundation
import Testing

extension ApusTests {
  /// Every rank meets the error, says so and ends: none is left waiting for the others.
  @Suite("train with something wrong") struct TrainErrorTests {
    /// Trains on two ranks, and expects each of them to fail with `message`.
    private func expectFailure(
      _ arguments: [String], _ message: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
      let outcome = try await Apus.run(["train", "-n", "2"] + arguments, seconds: 30)
      #expect(outcome.code == 1, "\(outcome)", sourceLocation: sourceLocation)
      for rank in 0..<2 {
        let errors = outcome.errors(ofRank: rank, of: 2)
        #expect(
          errors.contains { $0.contains(message) }, "rank \(rank): \(outcome)",
          sourceLocation: sourceLocation)
      }
    }

    @Test("a missing file") func missing() async throws {
      try await TemporaryFolder.use { folder in
        let file = folder + "/nowhere"
        try await expectFailure(["--data", "csv:\(file)"], file)
        try await expectFailure(["--data", "idx:\(file),\(file)"], file)
        try await expectFailure(["--data", "npy:\(file),\(file)"], file)
        try await expectFailure(["--data", "mnist:\(folder)"], "no train-images-idx3-ubyte")
      }
    }

    @Test("a truncated IDX file") func truncated() async throws {
      try await TemporaryFolder.use { folder in
        let (images, labels) = try Digits.load()
        let file = folder + "/images"
        try SampleFiles.writeIDX(images.cast(to: .uint8), to: file)
        try SampleFiles.writeIDX(labels.cast(to: .uint8), to: folder + "/labels")
        let whole = try Data(contentsOf: URL(fileURLWithPath: file))
        try whole.dropLast(100).write(to: URL(fileURLWithPath: file))
        try await expectFailure(["--data", "idx:\(file),\(folder)/labels"], file)
      }
    }

    @Test("a table with a bad cell") func badCell() async throws {
      try await TemporaryFolder.use { folder in
        let file = folder + "/table.csv"
        try "1,2,0\n3,x,1\n4,5,0\n".write(toFile: file, atomically: true, encoding: .utf8)
        try await expectFailure(["--data", "csv:\(file)"], "line 2")
      }
    }

    @Test("labels that are no classes") func labels() async throws {
      try await TemporaryFolder.use { folder in
        let file = folder + "/table.csv"
        try "1,2.5\n3,1\n4,0\n".write(toFile: file, atomically: true, encoding: .utf8)
        try await expectFailure(["--data", "csv:\(file)"], "label 2.5 in row 0")
        try "1,1\n3,1\n4,1\n".write(toFile: file, atomically: true, encoding: .utf8)
        try await expectFailure(["--data", "csv:\(file)"], "nothing to tell apart")
      }
    }

    @Test("a batch larger than the data") func largeBatch() async throws {
      try await expectFailure(
        ["--batch-size", "1438"], "--batch-size 1438 is larger than the data: there are 1437")
    }

    @Test("convolutions on a table") func wrongModel() async throws {
      try await TemporaryFolder.use { folder in
        let file = folder + "/table.csv"
        try "1,2,0\n3,4,1\n4,5,0\n".write(toFile: file, atomically: true, encoding: .utf8)
        try await expectFailure(["--data", "csv:\(file)", "--model", "cnn"], "needs images")
      }
    }

    @Test("a folder that cannot be made") func output() async throws {
      let outcome = try await Apus.run(
        ["train", "-n", "2", "--out", "/dev/null/runs"], seconds: 30)
      #expect(outcome.code == 1, "\(outcome)")
      #expect(
        outcome.errors.contains("[rank 0/2] --out /dev/null/runs: cannot make the folder"),
        "\(outcome)")
    }

    @Test("without mpirun the message stands alone") func alone() async throws {
      let outcome = try await Apus.run(["train", "--data", "csv:/nowhere.csv"])
      #expect(outcome.code == 1, "\(outcome)")
      #expect(outcome.errors.hasPrefix("Error: /nowhere.csv: "), "\(outcome)")
      #expect(outcome.output.isEmpty, "\(outcome)")
    }
  }
}
