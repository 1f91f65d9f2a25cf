import Foundation
import TestSupport
import Testing

extension ApusTests {
  @Suite(
    "two hosts", .enabled(if: TwoHosts.arePermitted, "network namespaces need root and iproute2"))
  struct TwoHostsTests {
    /// What happens to the second host.
    enum Harm: String, Sendable, CaseIterable {
      case killed, frozen
      case unplugged = "unplugged for good"
      case unpluggedForAWhile = "unplugged for 10 seconds"
    }

    /// Runs `apus arguments...` on the first host.
    private static func run(
      _ arguments: [String], on hosts: TwoHosts, seconds: Int = 120
    ) async throws -> Apus.Outcome {
      try await Apus.run(
        ["run", "--threads", "1", "--"] + hosts.enter(hosts.first) + [Apus.path] + arguments,
        environment: ["OMPI_MCA_plm_rsh_agent": hosts.agent], seconds: seconds)
    }

    private static func hostOptions(_ hosts: TwoHosts) -> [String] {
      ["--hosts", "\(hosts.first.address):1,\(hosts.second.address):1", "--threads", "1"]
    }

    /// A training of `epochs` with many steps, without dropout, whose numbers do not depend on how many ranks share a batch.
    private static func train(_ epochs: Int, _ folder: String) -> [String] {
      [
        "train", "--data", "digits", "--model", "mlp", "--batch-size", "8", "--progress", "none",
        "--epochs", "\(epochs)", "--out", folder,
      ]
    }

    @Test("ranks start on both") func launch() async throws {
      let hosts = try TwoHosts()
      let program = ["--", "/bin/sh", "-c", "echo $(hostname) has rank $OMPI_COMM_WORLD_RANK"]
      let outcome = try await Self.run(["run"] + Self.hostOptions(hosts) + program, on: hosts)
      #expect(outcome.code == 0, "\(outcome)")
      for line in ["node-a has rank 0", "node-b has rank 1"] {
        #expect(outcome.lines.filter { $0.hasSuffix(line) }.count == 1, "\(outcome)")
      }
    }

    @Test("a training gives the bits of two ranks on one host") func train() async throws {
      try await TemporaryFolder.use { folder in
        let hosts = try TwoHosts()
        let both = try await Self.run(
          Self.train(2, folder + "/both") + Self.hostOptions(hosts), on: hosts)
        #expect(both.code == 0, "\(both)")
        let one = try await Apus.run(
          Self.train(2, folder + "/one") + ["-n", "2", "--threads", "1"])
        #expect(one.code == 0, "\(one)")
        for name in ["weights.safetensors", "history.csv"] {
          let files = ["both", "one"].map {
            FileManager.default.contents(atPath: "\(folder)/\($0)/\(name)")
          }
          #expect(files[0] != nil && files[0] == files[1], "\(name) differs")
        }
      }
    }

    @Test(
      "a host is lost: the training goes on, to the same end", arguments: [Harm.killed, .unplugged])
    func lost(harm: Harm) async throws { try await Self.check(harm) }

    @Test(
      "a host is frozen, or lost for a while: the training goes on, to the same end",
      .enabled(
        if: ProcessInfo.processInfo.environment["APUS_ALL_HARMS"] != nil,
        "takes a minute; set APUS_ALL_HARMS=1 to run it"),
      arguments: [Harm.frozen, .unpluggedForAWhile])
    func lostForAWhile(harm: Harm) async throws { try await Self.check(harm) }

    private static func check(_ harm: Harm) async throws {
      try await TemporaryFolder.use { folder in
        let hosts = try TwoHosts()
        let epochs = 6
        async let disturbed = Self.run(
          Self.train(epochs, folder + "/disturbed") + Self.hostOptions(hosts)
            + ["--max-restarts", "5", "--min-ranks", "1"], on: hosts)
        try await Self.poll("an epoch") { try !Self.history(folder + "/disturbed").isEmpty }
        switch harm {
        case .killed: try hosts.signal(SIGKILL, all: hosts.second)
        case .frozen: try hosts.signal(SIGSTOP, all: hosts.second)
        case .unplugged: try hosts.setLink(of: hosts.second, isUp: false)
        case .unpluggedForAWhile:
          try hosts.setLink(of: hosts.second, isUp: false)
          // This is the harm, not a wait for something.
          try await Task.sleep(for: .seconds(10))
          try hosts.setLink(of: hosts.second, isUp: true)
        }
        let outcome = try await disturbed
        #expect(outcome.code == 0, "\(outcome)")
        #expect(outcome.errors.contains("; restart 1 of 5"), "\(outcome)")
        if harm == .unplugged {
          let without = "apus: going on without \(hosts.second.address): 1 of 2 ranks on "
          #expect(outcome.errors.contains(without), "\(outcome)")
        }
        let alone = try await Apus.run(Self.train(epochs, folder + "/alone") + ["--threads", "1"])
        #expect(alone.code == 0, "\(alone)")
        // The same samples in the same order, added up in another one.
        let (found, expected) = (
          try Self.history(folder + "/disturbed"), try Self.history(folder + "/alone")
        )
        #expect(found.count == epochs && expected.count == epochs, "\(outcome)")
        for (row, other) in zip(found, expected) {
          #expect(row.count == other.count)
          for (a, b) in zip(row, other) {
            #expect(abs(a - b) <= 1e-3 * max(1, abs(b)), "\(row) instead of \(other)")
          }
        }
        #expect(try hosts.processes(of: hosts.first).isEmpty, "\(outcome)")
        // Stopped processes can do nothing, not even end.
        guard harm != .frozen else { return }
        try await Self.poll("the end of the processes on the other host") {
          try hosts.processes(of: hosts.second).isEmpty
        }
      }
    }

    /// The rows of `history.csv`, without its head; none while there is none.
    private static func history(_ folder: String) throws -> [[Double]] {
      guard let data = FileManager.default.contents(atPath: folder + "/history.csv") else {
        return []
      }
      return String(decoding: data, as: UTF8.self).split(separator: "\n").dropFirst()
        .map { $0.split(separator: ",").compactMap { Double($0) } }
    }

    private static func poll(_ what: String, _ isSo: () throws -> Bool) async throws {
      let limit = ContinuousClock.now + .seconds(40)
      while try !isSo() {
        try #require(ContinuousClock.now < limit, "waited 40 s for \(what)")
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }
}
