import Dist
import Engine
import Foundation
import TestSupport

/// The last rank throws while the others wait for it in a collective that can never end.
func checkOneRankThrows() throws {
  let communicator = DistributionContext.strategy.communicator
  if communicator.rank == communicator.size - 1 {
    Thread.sleep(forTimeInterval: 0.2)
    throw CheckFailure("a failure made on purpose")
  }
  var value: Float = 1
  try withUnsafeMutableBytes(of: &value) { raw in
    guard let memory = raw.baseAddress else { return }
    try communicator.allReduce(memory, count: 1, dtype: .float32, operation: .sum)
  }
}

/// Every rank throws at the same moment: each must still say so.
func checkAllRanksThrow() throws {
  let communicator = DistributionContext.strategy.communicator
  try communicator.barrier()
  throw CheckFailure("rank \(communicator.rank) fails on purpose\nwith a second line")
}

/// Every rank has the same error, such as a file that is not there.
func checkAllRanksThrowAlike() throws {
  throw CheckFailure("nobody finds this file")
}

/// The same error, which slower ranks meet later: they were last together at the start.
func checkAllRanksThrowLate() throws {
  let rank = DistributionContext.strategy.communicator.rank
  Thread.sleep(forTimeInterval: 2 + 0.3 * Double(rank))
  throw CheckFailure("nobody finds this file")
}

/// Rank 0 has another error than all others.
func checkTwoErrors() throws {
  let rank = DistributionContext.strategy.communicator.rank
  throw CheckFailure(rank == 0 ? "a file is missing" : "the disk is full")
}

/// Every rank has the same error while an all-reduce is under way that the last one did not begin.
func checkThrowWithPending() throws {
  let communicator = DistributionContext.strategy.communicator
  let count = 1 << 16
  let memory = UnsafeMutablePointer<Float>.allocate(capacity: count)
  memory.initialize(repeating: 1, count: count)
  if communicator.rank < communicator.size - 1 {
    _ = try communicator.startAllReduce(memory, count: count, dtype: .float32, operation: .sum)
  }
  throw CheckFailure("all fail in between")
}

/// A rank ends the job with a code of its own.
func checkAbort() throws {
  let communicator = DistributionContext.strategy.communicator
  if communicator.rank == 0 { communicator.abort(message: "aborted on purpose", code: 42) }
  try communicator.barrier()
}

/// Fails, to prove that a failing check is seen.
func checkThatMustFail() throws {
  try requireEqual(
    DistributionContext.strategy.replicaCount, -1, "a comparison that is never true")
}
