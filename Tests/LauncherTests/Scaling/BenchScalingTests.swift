import Foundation
import Testing

extension ApusTests {
  /// What is predicted from times that are given: nothing that is measured is compared.
  @Suite("bench scaling") struct BenchScalingTests {
    private struct Report: Decodable {
      struct Row: Decodable {
        var ranks, nodes, batchPerRank, messages: Int
        var stepMs, exposedMs, efficiency, samplesPerS: Double
        var limit: String
        var measuredMs: Double?
      }
      var network, scaling, way: String
      var ranksPerNode: Int
      var rows: [Row]
    }

    /// A profile of `mlp_small` whose steps take 10 ms for each 32 samples, all before the first kernel.
    private static func profile(rows: [Int] = [32]) -> String {
      let steps = rows.flatMap { rows in
        [false, true].map { hasBuckets in
          """
          {"rows": \(rows), "hasBuckets": \(hasBuckets), "stepSeconds": 1, "otherSeconds": \(Double(rows) / 3200), "kernels": []}
          """
        }
      }
      return """
        {"network": "mlp_small", "threads": 1, "kernels": "none", "measurements": [\(steps.joined(separator: ", "))]}
        """
    }

    private func predict(
      _ options: [String], profile: String = profile()
    ) async throws -> Apus.Outcome {
      try await TemporaryFolder.use { folder in
        let file = folder + "/profile.json"
        try profile.write(toFile: file, atomically: true, encoding: .utf8)
        return try await Apus.run(
          ["bench", "scaling", "--workload", "mlp_small", "--profile-file", file] + options)
      }
    }

    private func report(
      _ options: [String], profile: String = profile()
    ) async throws -> Report {
      let outcome = try await predict(options + ["--json"], profile: profile)
      try #require(outcome.code == 0, "\(outcome)")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(Report.self, from: Data(outcome.lines[0].utf8))
    }

    /// Of the only bucket: 784 · 32 + 32 + 32 · 10 + 10 gradients, 6 votes or fewer and 8 numbers of the seal.
    private static let bytes = 4.0 * 25_450

    @Test("predicts a step from its kernels, its messages and a network") func weak() async throws {
      let report = try await report([
        "--ranks", "1,2,4", "--network", "0.8Mb/s", "--latency", "2s", "--copying", "1000GB/s",
      ])
      #expect(report.network == "mlp_small" && report.scaling == "weak" && report.way == "messages")
      #expect(report.rows.map(\.ranks) == [1, 2, 4] && report.rows.map(\.nodes) == [1, 2, 4])
      #expect(report.rows.map(\.messages) == [0, 1, 1])
      #expect(report.rows[0].stepMs == 10 && report.rows[0].efficiency == 1)
      #expect(report.rows[0].samplesPerS == 3200)
      // 2 ranks: two halves of the bucket; 4 ranks: two halves and two quarters. 2 s and 10 us a byte.
      for (row, hops, shares) in [(report.rows[1], 2.0, 1.0), (report.rows[2], 4.0, 1.5)] {
        let exposed = 1e3 * (2 * hops + shares * Self.bytes * 1e-5)
        #expect(abs(row.exposedMs / exposed - 1) < 0.002, "\(row), expected \(exposed)")
        #expect(abs(row.stepMs - row.exposedMs - 10) < 0.001)
        #expect(abs(row.samplesPerS * row.stepMs / (32e3 * Double(row.ranks)) - 1) < 0.01)
        #expect(abs(row.efficiency - 10 / row.stepMs) < 0.001)
        #expect(row.limit.hasPrefix("latency: "), "\(row)")
      }
    }

    @Test("shares a batch with --strong, and takes longer steps from a line") func strong()
      async throws
    {
      let report = try await report(
        [
          "--ranks", "2,64", "--strong", "--batch", "256", "--network", "1000Tb/s", "--latency",
          "0",
          "--copying", "1000TB/s",
        ], profile: Self.profile(rows: [4, 32, 64]))
      #expect(report.scaling == "strong" && report.rows.map(\.batchPerRank) == [128, 4])
      #expect(abs(report.rows[0].stepMs - 40) < 0.05 && abs(report.rows[1].stepMs - 1.25) < 0.05)
      #expect(report.rows.allSatisfy { abs($0.efficiency - 1) < 0.05 }, "\(report)")
      #expect(report.rows[0].limit.hasPrefix("compute"))
    }

    @Test("counts memory, contention and stragglers on a node") func node() async throws {
      let options = ["--ranks", "8", "--ranks-per-node", "8", "--memory", "100kB/s"]
      let plain = try await report(options).rows[0]
      #expect(plain.nodes == 1 && abs(plain.exposedMs / (Self.bytes / 100) - 1) < 0.002, "\(plain)")
      #expect(plain.limit.hasPrefix("sums in the node's memory"))
      let slower = try await report(options + ["--contention", "1.5"]).rows[0]
      #expect(abs(slower.stepMs - plain.stepMs - 5) < 0.01)
      let uneven = try await report(options + ["--jitter", "0.1"]).rows[0]
      #expect(uneven.stepMs > plain.stepMs)
    }

    @Test("--dry-run says what would be measured, and lists messages") func dryRun() async throws {
      let outcome = try await Apus.run([
        "bench", "scaling", "--workload", "cnn", "--dry-run", "--ranks", "1,16", "--ranks-per-node",
        "8", "--latency", "7us",
      ])
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.output.contains("would measure: kernels of cnn on 64 samples"), "\(outcome)")
      #expect(outcome.output.contains("between nodes: 7.0 us, 1.25 GB/s"), "\(outcome)")
      let last = try #require(outcome.lines.last).split(separator: " ")
      #expect(last.prefix(3) == ["16", "2", "64"], "\(outcome)")
    }

    @Test("measures itself what nobody gives it, and what joins the ranks of a job")
    func measures() async throws {
      let outcome = try await Apus.run([
        "run", "-n", "2", "--threads", "1", "--", Apus.path, "bench", "scaling", "--workload",
        "mlp_small", "--json",
      ])
      try #require(outcome.code == 0, "\(outcome)")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let line = try #require(
        outcome.lines.last { $0.contains("{") }.flatMap { line in
          line.firstIndex(of: "{").map { line[$0...] }
        })
      let report = try decoder.decode(Report.self, from: Data(line.utf8))
      #expect(report.rows.map(\.ranks) == [1, 2] && report.ranksPerNode == 2)
      #expect(report.rows.allSatisfy { $0.stepMs > 0 })
      #expect(report.rows[0].measuredMs == nil && report.rows[1].measuredMs.map { $0 > 0 } == true)
    }

    @Test(
      "refuses what cannot be",
      arguments: [
        (["--ranks", "0"], "--ranks 0: expected numbers from 1"),
        (["--ranks", "2,x"], "--ranks"),
        (["--ranks-per-node", "0"], "--ranks-per-node 0: at least 1"),
        (["--strong", "--batch", "100", "--ranks", "3"], "100 samples cannot be shared equally"),
        (["--strong", "--batch", "2", "--ranks", "4"], "there are 2 samples only"),
        (["--batch", "0"], "--batch 0: at least 1"),
        (["--contention", "0.5"], "--contention 0.5: expected 1"),
        (["--jitter", "2"], "--jitter 2.0: expected a share"),
        (["--network", "10"], "--network"), (["--latency", "3 parsecs"], "--latency"),
        (["--batch", "33"], "has steps of 32 samples"),
        (["--threads", "2"], "is of 1 thread, but --threads is 2"),
        (["--save-profile", "x"], "leave out --profile-file"),
      ])
    func refused(options: [String], message: String) async throws {
      let outcome = try await predict(options)
      #expect(outcome.code != 0 && outcome.errors.contains(message), "\(outcome)")
    }

    @Test("refuses a profile that is none, and one of another model") func profiles() async throws {
      let broken = try await predict([], profile: "{}")
      #expect(broken.code == 1 && broken.errors.contains("cannot be read as what --save-profile"))
      let other = try await predict(
        [], profile: Self.profile().replacingOccurrences(of: "mlp_small", with: "cnn"))
      #expect(other.code == 1 && other.errors.contains("is of cnn, but --workload is mlp_small"))
    }
  }
}
