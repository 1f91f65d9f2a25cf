import Testing

extension ApusTests {
  @Suite("inspect") struct InspectTests {
    private func lines(_ arguments: [String]) async throws -> [String] {
      let outcome = try await Apus.run(["inspect", "plan", "--workload", "mlp_small"] + arguments)
      try #require(outcome.code == 0, "\(outcome)")
      return outcome.lines
    }

    /// The number at the end of the line of the summary that begins with `name`.
    private func count(_ name: String, in lines: [String]) throws -> Int {
      let line = try #require(lines.first { $0.hasPrefix("  \(name) ") }, "\(lines)")
      return try #require(line.split(separator: " ").last.flatMap { Int($0) }, "\(line)")
    }

    @Test("plan prints every instruction with shapes") func plan() async throws {
      let lines = try await lines(["--rows", "8"])
      #expect(lines.first == "A training step of mlp_small on 8 samples")
      let start = try #require(lines.firstIndex(of: "plan:"))
      let instructions = lines[(start + 1)...]
      #expect(instructions.count == (try count("plan", in: lines)))
      #expect(instructions.allSatisfy { $0.contains(" = ") })
      #expect(instructions.contains { $0.contains("float32[784, 32]") && $0.contains("update") })
      #expect(instructions.contains { $0.contains("[8, 784]") })
      #expect(!lines.contains("traced:"))
    }

    @Test("plan prints the graph before and after each pass") func graphs() async throws {
      let lines = try await lines(["--before", "--passes"])
      var passes: [String] = []
      for (index, line) in lines.enumerated() where line.hasSuffix(":") && line != "plan:" {
        let name = String(line.dropLast())
        passes.append(name)
        let operations = lines[(index + 1)...].prefix { !$0.hasSuffix(":") }
          .filter { $0.hasPrefix("%") }
        #expect(operations.count == (try count(name, in: lines)), "\(name)")
      }
      #expect(passes.first == "traced" && passes.count >= 3)
      let traced = try count("traced", in: lines)
      #expect(try passes.allSatisfy { try count($0, in: lines) <= traced })
    }

    @Test("plan shows and verifies the sums of gradients over ranks") func ranks() async throws {
      let lines = try await lines(["--ranks", "4", "--bucket-bytes", "4096", "--verify"])
      #expect(lines.contains { $0.hasPrefix("  Verified: ") })
      // The large kernel has a bucket of its own, and what comes after it another.
      #expect(lines.filter { $0.contains(" = allReduceStart(") }.count == 3)
      #expect(lines.filter { $0.contains(" = allReduceWait(") }.count == 3)
      #expect(try await self.lines(["--verify"]).contains { $0.hasPrefix("  Verified: ") })
    }
  }
}
