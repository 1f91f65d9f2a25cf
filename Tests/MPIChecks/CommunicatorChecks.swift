import Dist
import Engine
import TestSupport

/// All checks that communicators share, in one job: starting a job for each takes longer than they do.
func runCommunicatorChecks() throws {
  let communicator = DistributionContext.strategy.communicator
  for check in CommunicatorCheck.all {
    do {
      try check.run(communicator)
    } catch {
      throw CheckFailure("\(check.name): \(error)")
    }
    if communicator.rank == 0 { print("passed: \(check.name)") }
  }
}

/// Messages longer than MPI can name are cut: here already at 1000 elements.
func checkLongMessages() throws {
  guard let session = MPISession.current else { return }
  let short = try session.communicator.duplicate(maximumCount: 1000)
  for name in [
    "all-reduce", "nonblocking-out-of-order", "broadcast", "all-gather", "reduce-scatter",
  ] {
    guard let check = CommunicatorCheck.all.first(where: { $0.name == name }) else {
      throw CheckFailure("no check is called \(name)")
    }
    try check.run(short)
  }
  // 3 messages of one all-reduce in flight, where the calls above were too long or too short for it.
  let count = 2500
  let buffer = UnsafeMutablePointer<Double>.allocate(capacity: count)
  defer { buffer.deallocate() }
  buffer.initialize(repeating: Double(short.rank + 1), count: count)
  let token = try short.startAllReduce(buffer, count: count, dtype: .float64, operation: .sum)
  while try !short.test(token) {}
  let sum = Double(short.size * (short.size + 1) / 2)
  for i in 0..<count { try requireEqual(buffer[i], sum, "sum at \(i)") }
}
