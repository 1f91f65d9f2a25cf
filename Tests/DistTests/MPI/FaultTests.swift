import Foundation
import TestSupport
import Testing

/// Ranks that do something else than the others, or nothing: nobody waits for ever, and no number is wrong in silence.
extension MPITests {
  @Test("what differs is said by all in the same words", arguments: Difference.all, [2, 4])
  func difference(_ difference: Difference, ranks: Int) async throws {
    let outcome = try await MPIRun.run("differ-\(difference.name)", ranks: ranks, waitLimit: 20)
    #expect(outcome.code == 1, "\(outcome)")
    #expect(!outcome.output.contains("passed"), "\(outcome)")
    for word in difference.words { #expect(outcome.errors.contains(word), "\(outcome)") }
    // MPI itself fails on messages of different lengths that are under way: the job is then aborted by the rank that notices first.
    if difference.name != "gradients" {
      // An error that all ranks have is printed once, without the number of a rank.
      #expect(outcome.count("Error: ") == 1, "\(outcome)")
      #expect(!outcome.errors.contains("[rank "), "\(outcome)")
    }
    #expect(outcome.errors.contains("rank \(ranks - 1)"), "\(outcome)")
  }

  @Test(
    "a rank that goes another way ends the job at once",
    arguments: [
      ("evaluate", "allGather"), ("skip", "the end of withStrategy"),
      ("broadcast", "broadcast(1 x int32"),
    ], [2, 3])
  func otherCollective(_ fault: (name: String, word: String), ranks: Int) async throws {
    let outcome = try await MPIRun.run("fault-\(fault.name)", ranks: ranks)
    expectFault(outcome)
    #expect(outcome.errors.contains("rank \(ranks - 1): \(fault.word)"), "\(outcome)")
    #expect(outcome.errors.contains("the gradients of"), "\(outcome)")
    #expect(outcome.errors.contains("fit, epoch 1, step 3"), "\(outcome)")
  }

  @Test(
    "a rank that is stopped or never comes is waited for as long as the limit says",
    arguments: ["stop", "loop"], [2, 3])
  func neverComes(fault: String, ranks: Int) async throws {
    let outcome = try await MPIRun.run("fault-\(fault)", ranks: ranks, waitLimit: 4)
    expectFault(outcome)
    let name = "rank \(ranks - 1)"
    #expect(outcome.errors.contains("[watch of rank 0/\(ranks)] "), "\(outcome)")
    #expect(outcome.count("has waited") == 1, "\(outcome)")
    #expect(outcome.errors.contains("for \(name) in allReduce("), "\(outcome)")
    #expect(outcome.errors.contains("fit, epoch 1, step 3"), "\(outcome)")
    let found =
      fault == "stop" ? "\(name) does not answer" : "\(name) has been busy with something else"
    #expect(outcome.count(found) == 2, "\(outcome)")
    #expect(outcome.errors.contains("APUS_WAIT_LIMIT"), "\(outcome)")
  }

  @Test("a process that ends is named with the step", arguments: ["kill", "exit"], [2, 3])
  func processEnds(fault: String, ranks: Int) async throws {
    let outcome = try await MPIRun.run("fault-\(fault)", ranks: ranks)
    expectFault(outcome)
    #expect(
      outcome.errors.contains("rank \(ranks - 1) has ended without leaving withStrategy"),
      "\(outcome)")
    #expect(outcome.errors.contains("fit, epoch 1, step"), "\(outcome)")
  }

  @Test("a rank that throws is heard alone", arguments: [2, 4])
  func throwsInTraining(ranks: Int) async throws {
    let outcome = try await MPIRun.run("fault-throw", ranks: ranks)
    expectFault(outcome)
    #expect(outcome.count("[rank ") == 1, "\(outcome)")
    #expect(
      outcome.errors.contains("[rank \(ranks - 1)/\(ranks)] a failure made on purpose"),
      "\(outcome)")
  }

  @Test("an error of the rank that reads for all is said once, by that rank", arguments: [2, 3])
  func missingWeights(ranks: Int) async throws {
    let outcome = try await MPIRun.run("missing-weights", ranks: ranks)
    expectFault(outcome)
    #expect(outcome.count("[rank ") == 1, "\(outcome)")
    #expect(outcome.errors.contains("[rank 0/\(ranks)] missing.safetensors: "), "\(outcome)")
  }

  @Test("evaluate on rank 0, when the others are done, is an error that says what to write")
  func unmatched() async throws {
    let outcome = try await MPIRun.run("unmatched", ranks: 3)
    expectFault(outcome)
    #expect(outcome.errors.contains("ranks 1, 2: the end of withStrategy"), "\(outcome)")
    #expect(outcome.errors.contains("the call of evaluate"), "\(outcome)")
    #expect(outcome.errors.contains("alone { }"), "\(outcome)")
  }

  @Test("an encoded bucket of another length on one rank ends the job", arguments: [2, 4])
  func otherExchange(ranks: Int) async throws {
    let outcome = try await MPIRun.run("other-exchange", ranks: ranks, allReduce: "mpi")
    expectFault(outcome)
    #expect(outcome.errors.contains("rank \(ranks - 1): allReduce(sum, 908 x"), "\(outcome)")
    #expect(outcome.errors.contains("allReduce(sum, 1008 x float32)"), "\(outcome)")
  }

  @Test("a rank that comes late is named once, and training goes on")
  func late() async throws {
    let outcome = try await MPIRun.run("late", ranks: 3, waitLimit: 8)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.count("for rank 2 in barrier()") == 1, "\(outcome)")
    #expect(outcome.count("rank 2 came after") == 1, "\(outcome)")
  }

  @Test("work inside alone may take longer than the limit")
  func longAlone() async throws {
    let outcome = try await MPIRun.run("long-alone", ranks: 2, waitLimit: 2)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.errors.contains("rank 0 works inside alone { }"), "\(outcome)")
  }

  @Test("a rank that is a thread and never comes is waited for as long as the limit says")
  func threadNeverComes() async throws {
    let outcome = try await MPIRun.run("threads-loop", ranks: nil, waitLimit: 2)
    expectFault(outcome)
    #expect(outcome.errors.contains("[watch of rank 0/2] waited 2"), "\(outcome)")
    #expect(outcome.errors.contains("for rank 1 in barrier()"), "\(outcome)")
  }

  @Test("a limit that is no number is an error")
  func wrongLimit() async throws {
    let outcome = try await MPIRun.run("late", ranks: 2, waitLimit: -1)
    #expect(outcome.code == 1, "\(outcome)")
    #expect(outcome.errors.contains("APUS_WAIT_LIMIT is \"-1\""), "\(outcome)")
  }

  /// Ended soon, and neither well nor by a limit on the time of a test.
  private func expectFault(_ outcome: MPIRun.Outcome) {
    #expect(outcome.code != 0 && outcome.code != 110 && outcome.code != nil, "\(outcome)")
    #expect(!outcome.output.contains("passed"), "\(outcome)")
    #expect(outcome.seconds < 30, "\(outcome)")
  }
}
