import Foundation
import Testing

extension ApusTests {
  /// What is printed, and that numbers which say the same agree: never how fast anything is.
  @Suite("bench") struct BenchTests {
    /// The object that a command prints as its only line.
    private func object<T: Decodable>(_ arguments: [String], as type: T.Type) async throws -> T {
      let outcome = try await Apus.run(["bench"] + arguments + ["--json"])
      try #require(outcome.code == 0, "\(outcome)")
      try #require(outcome.lines.count == 1, "\(outcome)")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(type, from: Data(outcome.lines[0].utf8))
    }

    /// What `train --json` promises.
    private struct Training: Decodable {
      var peer, workload, precision, blasCore: String
      var bfloat16Products: Bool
      var ranks, threads, batchPerRank, steps, instructions, arenaBytes, parameters: Int
      var samplesPerS, stepMs, stepMsMin, stepMsMedian, firstStepMs, compileMs: Double
      var gflops, gemmGflops, shareOfLimit, peakRssMb, lossFirst, lossLast: Double
      var probeGflops: [Double]
    }

    @Test("train measures a step, alone and on two ranks", arguments: [1, 2])
    func train(ranks: Int) async throws {
      let launch = ranks > 1 ? ["-n", "\(ranks)"] : []
      let result = try await object(
        ["train", "--workload", "mlp_small", "--blocks", "2", "--threads", "1"] + launch,
        as: Training.self)
      #expect(result.peer == "apus" && result.workload == "mlp_small")
      #expect(result.precision == "float32" && !result.bfloat16Products)
      #expect(result.ranks == ranks && result.threads == 1)
      #expect(result.batchPerRank == 32 && result.steps == 2 * 608)
      #expect(result.parameters == 784 * 32 + 32 + 32 * 10 + 10)
      #expect(result.instructions > 4 && result.arenaBytes > 0 && result.peakRssMb > 1)
      #expect(result.stepMs > 0 && result.stepMsMin > 0 && result.stepMsMin <= result.stepMs)
      #expect(result.stepMsMedian > 0 && result.firstStepMs > 0 && result.compileMs > 0)
      // Numbers are rounded: the step to a ten thousandth of a millisecond.
      let samples = result.samplesPerS * result.stepMs / 1e3
      #expect(abs(samples - Double(32 * ranks)) < 1, "\(result)")
      let products: Int = 2 * 784 * 32 + 3 * 32 * 10
      let operations = Double(2 * 32 * ranks * products)
      let measured = result.gflops * 1e6 * result.stepMs
      #expect(abs(measured / operations - 1) < 0.02, "\(result)")
      #expect(result.gemmGflops == result.probeGflops.max())
      let share = result.gflops / (result.gemmGflops * Double(ranks))
      #expect(abs(result.shareOfLimit - share) < 0.01)
      #expect(result.lossFirst > 1.5 && result.lossLast < result.lossFirst / 2, "\(result)")
    }

    @Test("train takes each model", arguments: ["mlp", "transformer"])
    func models(workload: String) async throws {
      let outcome = try await Apus.run(["bench", "train", "--workload", workload, "--blocks", "1"])
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.lines.first?.hasPrefix("\(workload): 1 rank of ") == true, "\(outcome)")
      for name in ["step, in a row", "step, alone", "first step", "arithmetic", "plan", "memory"] {
        #expect(outcome.lines.contains { $0.hasPrefix("  \(name) ") }, "\(name): \(outcome)")
      }
    }

    @Test("train says whether products were in bfloat16") func precision() async throws {
      // Whether they were is up to the CPU: that the line says it is all.
      let result = try await object(
        [
          "train", "--workload", "mlp_small", "--blocks", "1", "--threads", "1", "--precision",
          "mixed_bfloat16",
        ], as: Training.self)
      #expect(result.precision == "mixed_bfloat16")
      #expect(result.lossLast < result.lossFirst / 2, "\(result)")
    }

    @Test("train --dry-run shows what ranks would run") func dryRun() async throws {
      let outcome = try await Apus.run([
        "bench", "train", "--workload", "cnn", "--precision", "mixed_bfloat16", "--blocks", "3",
        "--profile", "--json", "-n", "2", "--threads", "1", "--dry-run",
      ])
      #expect(outcome.code == 0, "\(outcome)")
      let rank =
        " bench train --workload cnn --precision mixed_bfloat16 --blocks 3 --json --profile --threads 1"
      #expect(outcome.lines.last?.hasSuffix(rank) == true, "\(outcome)")
    }

    @Test("train --profile accounts for all of a step", arguments: [1, 2])
    func profile(ranks: Int) async throws {
      struct Profile: Decodable {
        struct Kernel: Decodable {
          var name: String
          var count: Int
          var microseconds, share: Double
        }
        struct Instruction: Decodable {
          var name: String
          var inputs: [String]
          var microseconds, share: Double
        }
        var microseconds: Double
        var kernels: [Kernel]
        var instructions: [Instruction]
      }
      let launch = ranks > 1 ? ["-n", "\(ranks)"] : []
      let profile = try await object(
        ["train", "--workload", "mlp_small", "--profile", "--threads", "1"] + launch,
        as: Profile.self)
      #expect(profile.kernels.map(\.count).reduce(0, +) == profile.instructions.count)
      // A share is rounded to a ten thousandth.
      #expect(abs(profile.kernels.map(\.share).reduce(0, +) - 1) < 0.01)
      #expect(abs(profile.instructions.map(\.share).reduce(0, +) - 1) < 0.01)
      let update = profile.instructions.filter { $0.name.hasPrefix("update") }
      #expect(update.count == 1 && update.first?.inputs.contains("[784, 32]") == true)
      let times = profile.kernels.map(\.microseconds)
      #expect(times == times.sorted(by: >))
    }

    @Test("compile accounts for the time from a model to its plan") func compile() async throws {
      struct Report: Decodable {
        struct Row: Decodable {
          var network: String
          var parameters, instructions: Int
          var variablesMs, traceMs, passesMs, layoutMs, bindingMs, totalMs: Double
          var passMs: [String: Double]
        }
        var rows: [Row]
      }
      let report = try await object(["compile"], as: Report.self)
      let rows = Dictionary(uniqueKeysWithValues: report.rows.map { ($0.network, $0) })
      // Kernels 23,454,912 (He et al.), scales and offsets 53,120, and the last layer's 2,049,000.
      #expect(rows["resnet50"]?.parameters == 25_557_032)
      // 24 blocks of 12 w² + 13 w, embeddings of 256 and 64 tokens, the last norm and the logits.
      #expect(
        rows["transformer24"]?.parameters == 24 * (12 * 65536 + 13 * 256) + 320 * 256 + 512 + 65536)
      #expect(rows["mlp_small"]?.parameters == 784 * 32 + 32 + 32 * 10 + 10)
      for row in report.rows {
        #expect(row.instructions > 4 && row.traceMs > 0 && row.bindingMs > 0)
        // Everything is rounded to a thousandth.
        let parts = row.variablesMs + row.traceMs + row.passesMs + row.layoutMs + row.bindingMs
        #expect(parts > 0.5 * row.totalMs && parts < row.totalMs + 0.01, "\(row)")
        #expect(abs(row.passMs.values.reduce(0, +) - row.passesMs) < 0.01)
      }
    }

    @Test("gemm measures the products of the models") func gemm() async throws {
      struct Report: Decodable {
        struct Product: Decodable {
          var name: String
          var count, m, k, n, threads: Int
          var transposed: String
          var microseconds, gflops: Double
        }
        var kernels: String
        var fmaGflops: Double
        var products: [Product]
      }
      let report = try await object(["gemm", "--threads", "2"], as: Report.self)
      #expect(report.fmaGflops > 0)
      #expect(report.kernels.contains(", sums of "))
      #expect(Set(report.products.map(\.transposed)) == ["none", "first", "second"])
      #expect(report.products.first?.name == "1024 cubed")
      #expect(Set(report.products.map(\.threads)) == [1, 2])
      for product in report.products {
        let products: Int = product.count * product.m * product.k * product.n
        let operations = 2 * Double(products)
        let speed = operations / product.microseconds / 1e3
        #expect(abs(speed - product.gflops) <= 0.1 + 0.01 * speed, "\(product)")
      }
    }

    @Test("kernels measures operations and memory") func kernels() async throws {
      struct Report: Decodable {
        struct Kernel: Decodable {
          var name: String
          var elements: Int
          var nsPerElement, gbPerS: Double
        }
        struct Memory: Decodable {
          var bytes: Int
          var copyGbPerS, readGbPerS: Double
        }
        var threads: Int
        var kernels: [Kernel]
        var memory: [Memory]
        var fmaGflops, gemmGflops: Double
      }
      let report = try await object(["kernels", "--elements", "1300"], as: Report.self)
      // Ten rows of 128.
      #expect(report.kernels.allSatisfy { $0.elements == 1280 && $0.nsPerElement > 0 })
      let bytesPerElement = [
        "add": 12.0, "relu": 8, "Adam update": 28, "SGD update": 12, "Lion update": 20,
        "Adadelta update": 28, "AdamW with averages update": 36, "RMSprop update": 20,
      ]
      for kernel in report.kernels {
        guard let bytes = bytesPerElement[kernel.name] else { continue }
        // The update also reads the learning rate and counts its steps.
        let ratio = kernel.gbPerS * kernel.nsPerElement / bytes
        #expect(abs(ratio - 1) < 0.05, "\(kernel)")
      }
      #expect(
        bytesPerElement.keys.allSatisfy { name in report.kernels.contains { $0.name == name } })
      #expect(report.memory.map(\.bytes) == [32 << 10, 256 << 10, 2 << 20, 16 << 20, 128 << 20])
      #expect(report.memory.allSatisfy { $0.copyGbPerS > 0 && $0.readGbPerS > 0 })
      #expect(report.fmaGflops > 0 && report.gemmGflops > 0 && report.threads == 1)
    }

    @Test("allreduce measures sums over ranks", arguments: [nil, 3])
    func allReduce(ranks: Int?) async throws {
      struct Report: Decodable {
        struct Row: Decodable {
          var bytes: Int
          var microseconds, gbPerS, limitMicroseconds, limitGbPerS: Double
        }
        var ranks: Int
        var arrays: [Row]
      }
      let launch = ranks.map { ["-n", "\($0)"] } ?? []
      let report = try await object(["allreduce", "--largest", "20"] + launch, as: Report.self)
      #expect(report.ranks == ranks ?? 2)
      #expect(report.arrays.map(\.bytes) == [1 << 10, 4 << 10, 16 << 10])
      #expect(report.arrays.allSatisfy { $0.microseconds > 0 && $0.limitGbPerS > 0 })
    }

    @Test("steps trains for a number of steps") func steps() async throws {
      func loss(_ steps: Int) async throws -> Double {
        let outcome = try await Apus.run(["bench", "steps", "--steps", "\(steps)", "--rows", "8"])
        let line = try #require(outcome.lines.last, "\(outcome)")
        try #require(outcome.code == 0 && line.hasPrefix("loss "), "\(outcome)")
        return try #require(Double(line.dropFirst(5)))
      }
      let (few, many) = (try await loss(10), try await loss(200))
      #expect(many < few / 2)
    }
  }
}
