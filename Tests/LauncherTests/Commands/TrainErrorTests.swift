import Engine
import Foundation
import Testing

extension ApusTests {
  /// Every rank meets the error and ends, and it is said once: none is left waiting for the others.
  @Suite("train with something wrong") struct TrainErrorTests {
    /// Trains on two ranks, and expects one line of error with `message`.
    private func expectFailure(
      _ arguments: [String], _ message: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
      let outcome = try await Apus.run(["train", "-n", "2"] + arguments, seconds: 30)
      #expect(outcome.code == 1, "\(outcome)", sourceLocation: sourceLocation)
      let lines = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("apus: ") }
      #expect(lines.count == 1, "\(outcome)", sourceLocation: sourceLocation)
      #expect(
        lines.first?.hasPrefix("Error: ") == true, "\(outcome)", sourceLocation: sourceLocation)
      #expect(
        lines.first?.contains(message) == true, "\(outcome)", sourceLocation: sourceLocation)
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
        try "1,16777216.0\n3,1\n4,1\n".write(toFile: file, atomically: true, encoding: .utf8)
        try await expectFailure(["--data", "csv:\(file)"], "float32, which does not tell")
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
      try await expectFailure(
        ["--out", "/dev/null/runs"], "--out /dev/null/runs: cannot make the folder")
    }

    @Test("mpirun's own pages are for --verbose") func verbose() async throws {
      // mpirun hears of several ends within a millisecond.
      for _ in 0..<5 {
        let outcome = try await Apus.run(
          ["train", "-n", "2", "--verbose", "--data", "csv:/nowhere.csv"], seconds: 30)
        #expect(outcome.code == 1, "\(outcome)")
        #expect(outcome.errors.contains("Error: /nowhere.csv: "), "\(outcome)")
        #expect(
          outcome.errors.contains("mpirun detected that one or more processes"), "\(outcome)")
      }
    }

    @Test("a loss that is not finite", arguments: [1, 2]) func diverged(ranks: Int) async throws {
      try await TemporaryFolder.use { folder in
        let out = folder + "/out"
        let outcome = try await Apus.run([
          "train", "-n", "\(ranks)", "--epochs", "2", "--model", "mlp", "--optimizer", "sgd",
          "--learning-rate", "1e30", "--progress", "none", "--out", out,
        ])
        #expect(outcome.code == 1, "\(outcome)")
        #expect(
          outcome.errors.contains("Error: the loss is nan at step ")
            || outcome.errors.contains("Error: the loss is inf at step "), "\(outcome)")
        #expect(outcome.errors.contains(" of epoch 1: try a smaller --learning-rate"), "\(outcome)")
        #expect(outcome.errors.components(separatedBy: "Error:").count == 2, "\(outcome)")
        for file in ["weights.safetensors", "summary.json"] {
          #expect(!FileManager.default.fileExists(atPath: out + "/" + file), "\(file)")
        }
      }
    }

    @Test("a loss that is not finite later leaves the last good weights")
    func divergedLater() async throws {
      try await TemporaryFolder.use { folder in
        // One step an epoch: the loss of the first weights is finite, and then grows by many orders a step.
        let file = folder + "/table.csv"
        let rows = (0..<8).map { "\($0),\($0 % 3),\($0 % 2)\n" }.joined()
        try rows.write(toFile: file, atomically: true, encoding: .utf8)
        let out = folder + "/out"
        let outcome = try await Apus.run([
          "train", "--data", "csv:\(file)", "--epochs", "200", "--optimizer", "sgd", "--batch-size",
          "8", "--validation-split", "0", "--learning-rate", "1e6", "--progress", "none", "--out",
          out,
        ])
        #expect(outcome.code == 1, "\(outcome)")
        #expect(outcome.errors.contains("has the weights of epoch "), "\(outcome)")
        let tensors = try SafeTensors.read(out + "/weights.safetensors").tensors
        #expect(tensors.values.allSatisfy { all(isFinite($0)).item() == 1 })
      }
    }

    @Test("a pipe in the place of the history") func pipe() async throws {
      try await TemporaryFolder.use { folder in
        try #require(mkfifo(folder + "/history.csv", 0o600) == 0)
        let outcome = try await Apus.run(["train", "--epochs", "1", "--out", folder], seconds: 30)
        #expect(outcome.code == 1, "\(outcome)")
        #expect(outcome.errors.contains("expected a regular file, found a pipe"), "\(outcome)")
      }
    }

    @Test("a folder that another run writes to") func occupied() async throws {
      try await TemporaryFolder.use { folder in
        let descriptor = open(folder, O_RDONLY)
        defer { close(descriptor) }
        try #require(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        try await expectFailure(
          ["--out", folder], "--out \(folder): another run is writing there; give each run a folder"
        )
        flock(descriptor, LOCK_UN)
        let free = try await Apus.run(["train", "--epochs", "1", "--out", folder])
        #expect(free.code == 0, "\(free)")
      }
    }

    @Test("without mpirun the message stands alone") func alone() async throws {
      let outcome = try await Apus.run(["train", "--data", "csv:/nowhere.csv"])
      #expect(outcome.code == 1, "\(outcome)")
      #expect(outcome.errors.hasPrefix("Error: /nowhere.csv: "), "\(outcome)")
      #expect(outcome.output.isEmpty, "\(outcome)")
    }
  }
}
