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
