import Foundation
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

  @Test("do the same by messages, where they could add up in memory", arguments: [2, 3, 4])
  func messages(ranks: Int) async throws {
    for check in ["communicator", "node-memory"] {
      let outcome = try await MPIRun.run(check, ranks: ranks, allReduce: "mpi")
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.output.contains("passed: \(check) on \(ranks)\n"), "\(outcome)")
    }
  }

  @Test("train by messages as one process does")
  func trainingByMessages() async throws {
    let outcome = try await MPIRun.run("training", ranks: 3, allReduce: "mpi")
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.output.contains("passed: training on 3\n"), "\(outcome)")
  }

  @Test("send gradients in every form", arguments: [2, 4])
  func wire(ranks: Int) async throws {
    let outcome = try await MPIRun.run("wire", ranks: ranks, allReduce: "mpi")
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.output.contains("passed: wire on \(ranks)\n"), "\(outcome)")
  }

  @Test("a way to add up that there is not")
  func unknownWay() async throws {
    let outcome = try await MPIRun.run("session", ranks: 2, allReduce: "fast")
    #expect(outcome.code == 1, "\(outcome)")
    #expect(
      outcome.count("APUS_ALLREDUCE is \"fast\": it must be memory or mpi") >= 1, "\(outcome)")
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
    arguments: ["long-messages", "node-memory", "session", "hosts", "nested", "second-session"],
    [1, 2, 3, 4])
  func behaviour(check: String, ranks: Int) async throws {
    let outcome = try await MPIRun.run(check, ranks: ranks)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.output.contains("passed: \(check) on \(ranks)\n"), "\(outcome)")
  }

  @Test("a rank that throws ends the job with its message", arguments: [1, 2, 3, 4])
  func oneRankThrows(ranks: Int) async throws {
    let outcome = try await MPIRun.run("one-rank-throws", ranks: ranks)
    #expect(outcome.code == 1, "\(outcome)")
    // The only rank is all ranks.
    let line = ranks == 1 ? "Error: " : "[rank \(ranks - 1)/\(ranks)] "
    #expect(outcome.errors.contains(line + "a failure made on purpose\n"), "\(outcome)")
    #expect(outcome.count("on purpose") == 1, "\(outcome)")
    #expect(!outcome.output.contains("passed"), "\(outcome)")
  }

  @Test(
    "an error of all ranks is printed once, and the job ends in order",
    arguments: ["all-ranks-throw-alike", "all-ranks-throw-late"], [1, 2, 3, 4])
  func sameError(check: String, ranks: Int) async throws {
    let outcome = try await MPIRun.run(check, ranks: ranks)
    #expect(outcome.code == 1, "\(outcome)")
    #expect(outcome.errors.contains("Error: nobody finds this file\n"), "\(outcome)")
    #expect(outcome.count("nobody finds") == 1, "\(outcome)")
    #expect(!outcome.errors.contains("MPI_ABORT"), "\(outcome)")
  }

  @Test("each of two errors is printed once, with the first rank that has it")
  func twoErrors() async throws {
    let outcome = try await MPIRun.run("two-errors", ranks: 3)
    #expect(outcome.code == 1, "\(outcome)")
    #expect(outcome.errors.contains("[rank 0/3] a file is missing\n"), "\(outcome)")
    #expect(outcome.errors.contains("[rank 1/3] the disk is full\n"), "\(outcome)")
    #expect(outcome.count("missing") == 1 && outcome.count("full") == 1, "\(outcome)")
    #expect(!outcome.errors.contains("MPI_ABORT"), "\(outcome)")
  }

  @Test("a collective that was begun and not ended holds nobody up", arguments: [2, 3])
  func pending(ranks: Int) async throws {
    let outcome = try await MPIRun.run("throw-with-pending", ranks: ranks)
    #expect(outcome.code == 1, "\(outcome)")
    #expect(outcome.count("all fail in between") == 1, "\(outcome)")
  }

  @Test("ranks that throw together all say so", arguments: [1, 2, 3, 4])
  func allRanksThrow(ranks: Int) async throws {
    let outcome = try await MPIRun.run("all-ranks-throw", ranks: ranks)
    #expect(outcome.code == 1, "\(outcome)")
    guard ranks > 1 else {
      #expect(outcome.errors.contains("Error: rank 0 fails on purpose\nwith a"), "\(outcome)")
      return
    }
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

  @Test("a wrong shape outside fit ends the job at once", arguments: [1, 3])
  func wrongShape(ranks: Int) async throws {
    let outcome = try await MPIRun.run("wrong-shape", ranks: ranks)
    #expect(outcome.code == 1, "\(outcome)")
    #expect(outcome.errors.contains("matmul: cannot multiply [2, 3] by [2, 3]"), "\(outcome)")
    #expect(!outcome.output.contains("went on"), "\(outcome)")
    #expect(!outcome.errors.contains("Fatal error"), "\(outcome)")
  }

  @Test("one rank works alone", arguments: [1, 2, 3])
  func alone(ranks: Int) async throws {
    let outcome = try await MPIRun.run("alone", ranks: ranks)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.output.contains("passed: alone on \(ranks)\n"), "\(outcome)")
  }

  @Test("a model that outlives its ranks says so, and works alone", arguments: [1, 2])
  func afterSession(ranks: Int) async throws {
    let outcome = try await MPIRun.run("after-session", ranks: ranks)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.output.contains("passed: after-session on \(ranks)\n"), "\(outcome)")
  }

  @Test("training that nothing has joined is an error, printed once")
  func withoutStrategy() async throws {
    let outcome = try await MPIRun.run("without-strategy", ranks: 3)
    #expect(outcome.code == 1, "\(outcome)")
    let text = "mpirun started 3 ranks, but this model was made outside withStrategy(.mpi)"
    #expect(outcome.errors.components(separatedBy: text).count == 2, "\(outcome)")
    #expect(!outcome.output.contains("passed"), "\(outcome)")
    let one = try await MPIRun.run("without-strategy", ranks: 1)
    #expect(one.output.contains("passed: without-strategy on 1"), "\(one)")
    let each = try await MPIRun.run("each-alone", ranks: 2)
    #expect(each.code == 0, "\(each)")
    #expect(each.output.components(separatedBy: "trained alone").count == 3, "\(each)")
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
