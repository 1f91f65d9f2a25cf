import Engine
import Foundation

/// No rank leaves a barrier before the last one has come.
func checkBarrier(_ communicator: any Communicator) throws {
  let clock = ContinuousClock()
  for last in 0..<communicator.size {
    try communicator.barrier()
    let start = clock.now
    if communicator.rank == last { Thread.sleep(forTimeInterval: 0.1) }
    try communicator.barrier()
    let waited = clock.now - start
    // A rank may leave the first barrier a little late, hence less than 100 ms.
    try require(
      waited >= .milliseconds(50), "left a barrier after \(waited), before rank \(last) came")
  }
}
