import Launcher
import Testing

/// Which of many ends counts as the root cause: tables, nothing is started.
@Suite("Root causes") struct CauseSearchTests {
  /// A rank that ended with a status of `waitpid` at a time.
  private func rank(_ status: Int32?, at time: Double = 1, hasOwnError: Bool = false) -> RankRecord
  {
    var record = RankRecord()
    if let status { record.note(end: ExitStatus(status), at: time) }
    record.hasOwnError = hasOwnError
    return record
  }

  private static func code(_ code: Int32) -> Int32 { code << 8 }

  @Test("are the first failure, and not what came of it") func first() {
    let killed = [rank(15, at: 3), rank(9, at: 2), rank(nil)]
    #expect(CauseSearch(records: killed).cause == .ended(rank: 1, ExitStatus(9)))
    // mpirun ended rank 0 before rank 1 was heard of.
    let late = [rank(15, at: 1), rank(Self.code(3), at: 2)]
    #expect(CauseSearch(records: late).cause == .ended(rank: 1, ExitStatus(Self.code(3))))
    // The launcher killed rank 0 at 2.
    let ours = [rank(9, at: 2.1), rank(Self.code(1), at: 1.9)]
    #expect(
      CauseSearch(records: ours, endedByUs: 2).cause == .ended(rank: 1, ExitStatus(Self.code(1))))
    #expect(CauseSearch(records: [rank(9, at: 2.1), rank(0)], endedByUs: 2).cause == nil)
    #expect(CauseSearch(records: [rank(Self.code(75)), rank(0)]).cause == nil)
  }

  @Test("are the rank that said what was wrong") func speaker() {
    let records = [rank(Self.code(1), at: 1), rank(Self.code(1), at: 2, hasOwnError: true)]
    #expect(CauseSearch(records: records).cause?.rank == 1)
    // MPI_Abort: the rank that called it was killed before it ended.
    let aborted = [rank(15, at: 1), rank(9, at: 2)]
    #expect(
      CauseSearch(records: aborted, aborter: 1).cause == .ended(rank: 1, ExitStatus(1 << 8)))
    // A warning of its own is no cause.
    #expect(CauseSearch(records: [rank(0, hasOwnError: true), rank(0)]).cause == nil)
  }

  @Test("are not what Slurm says of a step that the launcher ends") func slurm() {
    var messages = MPIRunMessages(isVerbose: false)
    let lines = [
      "srun: launch/slurm: _step_signal: Terminating StepId=3.0\n",
      "slurmstepd-a: error: *** STEP 3.0 ON a CANCELLED AT 2026-01-02T03:04:05 ***\n",
    ]
    let limit = "slurmstepd-a: error: *** STEP 3.0 ON a CANCELLED AT 2 DUE TO TIME LIMIT ***\n"
    #expect((lines + [limit]).map { messages.pass($0.utf8) } == lines + [limit])
    messages.isEnding = true
    #expect((lines + [limit]).map { messages.pass($0.utf8) } == ["", "", limit])
  }

  @Test("are what mpirun says where ranks could not") func starter() {
    let silent = [rank(15, at: 1), rank(nil)]
    let said = [MPIRunMessages.End(rank: 1, status: ExitStatus(9))]
    #expect(
      CauseSearch(records: silent, starterSaid: said).cause == .ended(rank: 1, ExitStatus(9)))
    // Ranks saved their state, and the launcher ended the processes beside them.
    let saved = [rank(Self.code(75), at: 1), rank(Self.code(75), at: 2)]
    #expect(CauseSearch(records: saved, endedByUs: 3, starterSaid: said).cause == nil)
    #expect(CauseSearch(records: silent, lostHosts: ["b"]).cause == .lost(host: "b"))
    let killed = CauseSearch(records: [rank(nil), rank(nil)], starterEnd: ExitStatus(9))
    #expect(killed.cause == .launcherEnded(name: "mpirun", ExitStatus(9)))
    #expect(killed.cause?.exitCode == 137)
  }
}
