import TestSupport
import Testing

/// Everything that starts `mpirun`: one job at a time, since each has several busy processes.
@Suite("Ranks of mpirun", .serialized, .enabled(if: MPIRun.isAvailable, MPIRun.missing))
struct MPITests {
  @Test("do what every communicator does", arguments: [1, 2, 3, 4])
  func communicator(ranks: Int) async throws {
    let outcome = try await MPIRun.run("communicator", ranks: ranks)
    #expect(outcome.code == 0, "\(outcome)")
    for check in CommunicatorCheck.all {
      #expect(outcome.output.contains("passed: \(check.name)\n"), "\(outcome)")
    }
    #expect(outcome.output.contains("passed: communicator on \(ranks)\n"), "\(outcome)")
  }

  @Test("train as one process does", arguments: [1, 2, 3, 4])
  func training(ranks: Int) async throws {
    let outcome = try await MPIRun.run("training", ranks: ranks)
    #expect(outcome.code == 0, "\(outcome)")
    for check in TrainingCheck.all {
      #expect(outcome.output.contains("passed: \(check.name)\n"), "\(outcome)")
    }
    #expect(outcome.output.contains("passed: training on \(ranks)\n"), "\(outcome)")
  }

  @Test(
    "keep these behaviours",
    arguments: ["long-messages", "session", "hosts", "nested", "second-session"], [1, 2, 3, 4])
  func behaviour(check: String, ranks: Int) async throws {
    let outcome = try await MPIRun.run(check, ranks: ranks)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.output.contains("passed: \(check) on \(ranks)\n"), "\(outcome)")
  }

  @Test("a rank that throws ends the job with its message", arguments: [1, 2, 3, 4])
  func oneRankThrows(ranks: Int) async throws {
    let outcome = try await MPIRun.run("one-rank-throws", ranks: ranks)
    #expect(outcome.code == 1, "\(outcome)")
    #expect(
      outcome.errors.contains("[rank \(ranks - 1)/\(ranks)] a failure made on purpose\n"),
      "\(outcome)")
    #expect(!outcome.output.contains("passed"), "\(outcome)")
  }

  @Test("ranks that throw together all say so", arguments: [1, 2, 3, 4])
  func allRanksThrow(ranks: Int) async throws {
    let outcome = try await MPIRun.run("all-ranks-throw", ranks: ranks)
    #expect(outcome.code == 1, "\(outcome)")
    for rank in 0..<ranks {
      #expect(
        outcome.errors.contains(
          "[rank \(rank)/\(ranks)] rank \(rank) fails on purpose\n"
            + "[rank \(rank)/\(ranks)] with a second line\n"), "\(outcome)")
    }
  }

  @Test("an abort ends the job with its code", arguments: [1, 2, 4])
  func abort(ranks: Int) async throws {
    let outcome = try await MPIRun.run("abort", ranks: ranks)
    #expect(outcome.code == 42, "\(outcome)")
    #expect(outcome.errors.contains("[rank 0/\(ranks)] aborted on purpose\n"), "\(outcome)")
  }

  @Test("a check that fails is seen to fail", arguments: [1, 3])
  func failureIsSeen(ranks: Int) async throws {
    let outcome = try await MPIRun.run("must-fail", ranks: ranks)
    #expect(outcome.code == 1, "\(outcome)")
    #expect(outcome.errors.contains("expected -1, found \(ranks)"), "\(outcome)")
    #expect(!outcome.output.contains("passed"), "\(outcome)")
  }
}

/// The same program without `mpirun`.
@Suite("Without mpirun", .serialized)
struct AloneTests {
  @Test(
    "a program is one process",
    arguments: ["communicator", "session", "hosts", "nested", "second-session"])
  func alone(check: String) async throws {
    let outcome = try await MPIRun.run(check, ranks: nil)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.output.contains("passed: \(check) on 1\n"), "\(outcome)")
  }

  @Test("an error is thrown out of the strategy")
  func error() async throws {
    let outcome = try await MPIRun.run("must-fail", ranks: nil)
    #expect(outcome.code != 0, "\(outcome)")
    #expect(outcome.errors.contains("expected -1, found 1"), "\(outcome)")
  }
}
