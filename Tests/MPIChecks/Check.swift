import Dist
import Engine
import TestSupport

/// Something that `mpirun -n N MPIChecks NAME` runs on every rank.
struct Check: Sendable {
  let name: String
  /// Whether `body` starts MPI by itself; otherwise it runs inside `withStrategy(.mpi)`.
  let startsByItself: Bool
  let body: @Sendable () throws -> Void

  init(_ name: String, startsByItself: Bool = false, _ body: @escaping @Sendable () throws -> Void)
  {
    self.name = name
    self.startsByItself = startsByItself
    self.body = body
  }

  /// Runs the check; the first rank says when all ranks have passed.
  func run() throws {
    if startsByItself { return try body() }
    let (rank, size) = try withStrategy(.mpi) {
      try body()
      let communicator = DistributionContext.strategy.communicator
      return (communicator.rank, communicator.size)
    }
    // MPI has ended here, which it does only together.
    if rank == 0 { print("passed: \(name) on \(size)") }
  }
}

extension Check {
  /// The table of checks: what every communicator must do, what is particular to MPI, and training.
  static let all: [Check] =
    CommunicatorCheck.all.map { check in
      Check(check.name) { try check.run(DistributionContext.strategy.communicator) }
    } + [
      Check("communicator", runCommunicatorChecks),
      Check("training") { try runChecks(TrainingCheck.all) },
      Check("wire") { try runChecks(TrainingCheck.wire) },
      Check("long-messages", checkLongMessages),
      Check("node-memory", checkNodeMemory),
      Check("session", checkSession),
      Check("hosts", checkHosts),
      Check("nested", checkNested),
      Check("second-session", startsByItself: true, checkSecondSession),
      Check("one-rank-throws", checkOneRankThrows),
      Check("all-ranks-throw", checkAllRanksThrow),
      Check("all-ranks-throw-alike", checkAllRanksThrowAlike),
      Check("all-ranks-throw-late", checkAllRanksThrowLate),
      Check("two-errors", checkTwoErrors),
      Check("throw-with-pending", checkThrowWithPending),
      Check("abort", checkAbort),
      Check("must-fail", checkThatMustFail),
      Check("wrong-shape", checkWrongShape),
      Check("alone", checkAlone),
      Check("after-session", startsByItself: true, checkAfterSession),
      Check("without-strategy", startsByItself: true, checkWithoutStrategy),
      Check("each-alone", startsByItself: true, checkEachAlone),
      Check("latency", measureLatency),
      Check("threads-loop", startsByItself: true, checkThreadsLoop),
      Check("missing-weights", checkMissingWeights),
      Check("unmatched", checkUnmatched),
      Check("other-exchange", checkOtherExchange),
      Check("late", checkLate),
      Check("long-alone", checkLongAlone),
    ] + Fault.all.map { fault in Check("fault-\(fault.name)", fault.run) }
    + GroupFault.allCases.map { fault in Check("group-\(fault.rawValue)", fault.run) }
    + Difference.all.map { difference in Check("differ-\(difference.name)", difference.run) }
}
