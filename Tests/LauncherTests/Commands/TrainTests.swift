import Engine
import Foundation
import Testing

extension ApusTests {
  @Suite("train") struct TrainTests {
    @Test("trains the digits on any number of ranks", arguments: [nil, 1, 2, 3])
    func digits(ranks: Int?) async throws {
      let launch = ranks.map { ["-n", "\($0)"] } ?? []
      let (result, outcome) = try await Apus.train(
        ["--data", "digits", "--model", "cnn", "--epochs", "4"] + launch)
      #expect(result.ranks == ranks ?? 1)
      #expect(result.threads >= 1)
      #expect(result.epochs == 4)
      #expect(result.trainSamples == 1437 && result.valSamples == 360)
      #expect(result.accuracy > 0.85 && result.loss < 0.5, "\(outcome)")
      #expect(try #require(result.valAccuracy) > 0.92, "\(outcome)")
      #expect(try #require(result.valLoss) < 0.3, "\(outcome)")
      #expect(result.seconds > 0)
      let samples = result.samplesPerSecond * result.seconds
      #expect(abs(samples - 4 * 1437) < 1)
      #expect(result.weightsSHA256.count == 64)
      #expect(outcome.lines.filter { $0.hasPrefix("Epoch ") }.count == 4, "\(outcome)")
      #expect(outcome.output.contains("drawn at random by seed 42"), "\(outcome)")
    }

    @Test("gives the same weights for the same settings", arguments: [1, 2])
    func repeatable(ranks: Int) async throws {
      let arguments = ["--epochs", "2", "-n", "\(ranks)", "--threads", "1", "--seed", "7"]
      let first = try await Apus.train(arguments).result
      let second = try await Apus.train(arguments).result
      #expect(first.weightsSHA256 == second.weightsSHA256)
      #expect(abs(first.loss - second.loss) <= 1e-6 * abs(first.loss))
      let other = try await Apus.train(["--epochs", "2", "--seed", "8"]).result
      #expect(other.weightsSHA256 != first.weightsSHA256)
    }

    @Test("trains on several ranks as on one, also with unequal shares of a batch")
    func sameOnAllRanks() async throws {
      // Dropout, of which each rank draws its own, is in the other model only.
      let arguments = ["--model", "mlp", "--epochs", "2", "--batch-size", "50", "-n"]
      let one = try await Apus.train(arguments + ["1"]).result
      for ranks in [2, 3] {
        let result = try await Apus.train(arguments + ["\(ranks)"]).result
        #expect(abs(result.loss - one.loss) < 1e-4 * one.loss)
        let losses = (try #require(result.valLoss), try #require(one.valLoss))
        #expect(abs(losses.0 - losses.1) < 1e-3 * losses.1)
      }
    }

    @Test(
      "says what it takes the first line of a table for, and can be told",
      arguments: [
        ([], 60, 2, "60 rows, 2 features (0, 1); label: species; the first line names the columns"),
        (["--header", "yes", "--label", "species"], 60, 2, "the first line names the columns"),
        (
          ["--header", "no"], 61, 3, "61 rows, 2 features; label: column 3; the first line is data"
        ),
      ] as [([String], Int, Int, String)])
    func header(options: [String], rows: Int, classes: Int, note: String) async throws {
      try await TemporaryFolder.use { folder in
        let file = folder + "/table.csv"
        let lines = (0..<60).map { "\(Double($0) / 8),\(60 - $0),\(["ash", "oak"][$0 % 2])\n" }
        try ("0,1,species\n" + lines.joined())
          .write(toFile: file, atomically: true, encoding: .utf8)
        let (result, outcome) = try await Apus.train(
          ["--data", "csv:\(file)", "--epochs", "1", "-n", "2"] + options)
        #expect(result.trainSamples + result.valSamples == rows, "\(outcome)")
        #expect(
          outcome.lines.last?.contains("\"classes\":[\(classes == 2 ? "0,1" : "0,1,2")]") == true)
        #expect(outcome.errors.components(separatedBy: note).count == 2, "\(outcome)")
      }
    }

    @Test("takes the label from where it is said to be") func label() async throws {
      try await TemporaryFolder.use { folder in
        let file = folder + "/table.csv"
        let lines = (0..<20).map { "\($0 % 3),\($0),0.5\n" }
        try ("kind,2019,2020\n" + lines.joined())
          .write(toFile: file, atomically: true, encoding: .utf8)
        for label in ["kind", "first"] {
          let (_, outcome) = try await Apus.train(
            [
              "--data", "csv:\(file)", "--epochs", "1", "--batch-size", "8", "--header", "yes",
              "--label", label,
            ])
          #expect(outcome.lines.last?.contains("\"classes\":[0,1,2]") == true, "\(outcome)")
        }
        let wrong = try await Apus.run(["train", "--data", "csv:\(file)", "--label", "kin"])
        #expect(wrong.code == 1, "\(wrong)")
        #expect(wrong.errors.contains("no column \"kin\" for the label"), "\(wrong)")
      }
    }

    @Test("takes the precision of products") func precision() async throws {
      let (result, outcome) = try await Apus.train(
        ["--model", "mlp", "--epochs", "4", "--precision", "mixed_bfloat16", "-n", "2"])
      #expect(try #require(result.valAccuracy) > 0.85, "\(outcome)")
      let line = try #require(outcome.lines.last)
      #expect(line.contains(#""precision":"mixed_bfloat16""#), "\(outcome)")
    }

    @Test("writes the weights, the history and the result") func files() async throws {
      try await TemporaryFolder.use { folder in
        let outcome = try await Apus.run([
          "train", "-n", "2", "--epochs", "3", "--json", "--progress", "none", "--out",
          folder + "/a/b",
        ])
        #expect(outcome.code == 0, "\(outcome)")
        #expect(!outcome.output.contains("Epoch"), "\(outcome)")
        let tensors = try SafeTensors.read(folder + "/a/b/weights.safetensors").tensors
        #expect(tensors.values.contains { $0.shape == [3, 3, 32, 64] })
        let history = try String(contentsOfFile: folder + "/a/b/history.csv", encoding: .utf8)
        #expect(history.hasPrefix("epoch,loss,accuracy,val_loss,val_accuracy\n0,"))
        #expect(history.split(separator: "\n").count == 4)
        let summary = try String(contentsOfFile: folder + "/a/b/summary.json", encoding: .utf8)
        #expect(summary.trimmingCharacters(in: .newlines) == outcome.lines.last)
      }
    }

    @Test("validates on nothing when nothing is held out") func noValidation() async throws {
      let (result, outcome) = try await Apus.train(["--epochs", "1", "--validation-split", "0"])
      #expect(result.trainSamples == 1797 && result.valSamples == 0)
      #expect(result.valLoss == nil && result.valAccuracy == nil)
      #expect(outcome.lines.last?.contains(#""valLoss":null"#) == true)
    }

    @Test(
      "trains on tables, with labels of any whole numbers", arguments: ["adam", "adamw", "sgd"])
    func table(optimizer: String) async throws {
      try await TemporaryFolder.use { folder in
        // Two features of very different size tell three classes apart.
        let rows = (0..<300).map { row in
          let label = row % 3
          let (a, b) = (Double(row * 37 % 100) / 100, Double(row * 61 % 100) / 100)
          return "\(1000 + 500 * Double(label) + 200 * a),\(0.001 * b),7,\([-5, 3, 40][label])"
        }
        let file = folder + "/table.csv"
        try ("a,b,c,label\n" + rows.joined(separator: "\n")).write(
          toFile: file, atomically: true, encoding: .utf8)
        let (result, outcome) = try await Apus.train(
          ["--data", "csv:\(file)", "--epochs", "10", "-n", "2", "--optimizer", optimizer])
        #expect(try #require(result.valAccuracy) > 0.95, "\(outcome)")
        #expect(result.valSamples == 60)
        #expect(outcome.output.contains("the last 60 of 300 rows"), "\(outcome)")
        #expect(outcome.lines.last?.contains(#""classes":[-5,3,40]"#) == true, "\(outcome)")
      }
    }

    @Test("reads IDX and NumPy files") func formats() async throws {
      try await TemporaryFolder.use { folder in
        let (images, labels) = try Digits.load()
        // 0...16 becomes 0...240.
        try SampleFiles.writeIDX((images * 15).cast(to: .uint8), to: folder + "/images")
        try SampleFiles.writeIDX(labels.cast(to: .uint8), to: folder + "/labels")
        try NPY.write(images, to: folder + "/x.npy")
        try NPY.write(labels, to: folder + "/y.npy")
        let idx = "idx:\(folder)/images,\(folder)/labels"
        for data in [idx, "npy:\(folder)/x.npy,\(folder)/y.npy"] {
          let (result, outcome) = try await Apus.train(["--data", data, "--epochs", "3"])
          #expect(try #require(result.valAccuracy) > 0.85, "\(outcome)")
          #expect(outcome.output.contains("the last 360 of 1797 rows"), "\(outcome)")
        }
      }
    }
  }
}

/// Data files that tests train on.
enum SampleFiles {
  /// Writes bytes in the format of MNIST.
  static func writeIDX(_ x: Tensor, to path: String) throws {
    var bytes: [UInt8] = [0, 0, 8, UInt8(x.rank)]
    for length in x.shape.dimensions {
      bytes += (0..<4).reversed().map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    }
    try Data(bytes + x.scalars(as: UInt8.self)).write(to: URL(fileURLWithPath: path))
  }
}
