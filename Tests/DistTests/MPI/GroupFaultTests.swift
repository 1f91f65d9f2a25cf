import TestSupport
import Testing

/// Ranks of a group that do something else than the others of it, or nothing.
extension MPITests {
  private static let collective = "allReduce(max, 1 x float32) among ranks 2, 3 (.split)"

  @Test("another collective in a group is named with the group")
  func otherInGroup() async throws {
    let outcome = try await MPIRun.run("group-other", ranks: 4, waitLimit: 20)
    #expect(outcome.code == 1 && !outcome.output.contains("passed"), "\(outcome)")
    #expect(outcome.errors.contains("rank 2: \(Self.collective)"), "\(outcome)")
    #expect(outcome.errors.contains("rank 3: barrier() among ranks 2, 3 (.split)"), "\(outcome)")
    #expect(outcome.seconds < 15, "\(outcome)")
  }

  @Test("a rank that waits for all, and one that waits for it in a group, end soon")
  func crossed() async throws {
    let outcome = try await MPIRun.run("group-crossed", ranks: 4, waitLimit: 60)
    #expect(outcome.code == 1 && !outcome.output.contains("passed"), "\(outcome)")
    #expect(outcome.errors.contains("rank 2: \(Self.collective)"), "\(outcome)")
    #expect(outcome.errors.contains("rank 3: barrier()"), "\(outcome)")
    #expect(outcome.seconds < 30, "\(outcome)")
  }

  @Test("who waits in a group waits for ranks of the group")
  func lateInGroup() async throws {
    let outcome = try await MPIRun.run("group-late", ranks: 4, waitLimit: 8)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.count("for rank 3 in \(Self.collective)") == 1, "\(outcome)")
    #expect(outcome.count("[watch of rank 2/4] rank 3 came after") == 1, "\(outcome)")
  }

  @Test("a rank that never comes to its group ends the job at the limit")
  func neverInGroup() async throws {
    let outcome = try await MPIRun.run("group-loop", ranks: 4, waitLimit: 4)
    #expect(outcome.code != 0 && !outcome.output.contains("passed"), "\(outcome)")
    #expect(outcome.errors.contains("for rank 3 in \(Self.collective)"), "\(outcome)")
    #expect(outcome.errors.contains("rank 3 has been busy with something else"), "\(outcome)")
    #expect(outcome.seconds < 30, "\(outcome)")
  }
}
