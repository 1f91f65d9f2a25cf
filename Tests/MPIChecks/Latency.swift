import Dist
import Engine
import Foundation

/// Times one all-reduce between all ranks, blocking and started with `test` and `wait`; prints medians.
func measureLatency() throws {
  let communicator = DistributionContext.strategy.communicator
  let bytes = [1 << 10, 1 << 12, 1 << 14, 1 << 15, 1 << 16, 1 << 20, 1 << 24]
  let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 24, alignment: 64)
  defer { memory.deallocate() }
  memory.initializeMemory(as: Float.self, repeating: 0, count: 1 << 22)
  for length in bytes {
    let blocking = try median(communicator, bytes: length) {
      try communicator.allReduce(memory, count: length / 4, dtype: .float32, operation: .sum)
    }
    let started = try median(communicator, bytes: length) {
      let token = try communicator.startAllReduce(
        memory, count: length / 4, dtype: .float32, operation: .sum)
      _ = try communicator.test(token)
      try communicator.wait(token)
    }
    if communicator.rank == 0 {
      print(
        String(
          format: "%9d bytes: blocking %9.1f us, started and waited for %9.1f us", length,
          blocking * 1e6, started * 1e6))
    }
  }
}

/// The middle of many runs, in seconds; ranks meet in a barrier before each.
private func median(
  _ communicator: any Communicator, bytes: Int, _ run: () throws -> Void
) throws -> Double {
  let repeats = bytes < 100_000 ? 400 : bytes < 2_000_000 ? 100 : 30
  let clock = ContinuousClock()
  var seconds: [Double] = []
  for attempt in 0..<(repeats + 5) {
    try communicator.barrier()
    let time = try clock.measure(run)
    // The first ones find memory that no one has touched.
    if attempt >= 5 { seconds.append(time / .seconds(1)) }
  }
  return seconds.sorted()[repeats / 2]
}
