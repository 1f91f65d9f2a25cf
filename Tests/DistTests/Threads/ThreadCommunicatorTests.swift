import Dist
import Engine
import Foundation
import TestSupport
import Testing

@Suite("Ranks that are threads", .timeLimit(.minutes(5)))
struct ThreadCommunicatorTests {
  @Test("does what every communicator does", arguments: CommunicatorCheck.all, [1, 2, 3, 4])
  func behaviour(check: CommunicatorCheck, size: Int) throws {
    try withStrategy(.threads(size)) {
      let communicator = DistributionContext.strategy.communicator
      try requireEqual(communicator.size, size, "the number of ranks")
      try check.run(communicator)
    }
  }

  @Test("sums are added in the order of ranks")
  func orderOfRanks() throws {
    // In this order the large ones cancel first: 1.001. Adding 1 to 1e8 first loses it.
    let values: [Float] = [1e8, -1e8, 1, 1e-3]
    let expected = values.dropFirst().reduce(values[0], +)
    for _ in 0..<20 {
      try withStrategy(.threads(4)) {
        let communicator = DistributionContext.strategy.communicator
        var value = values[communicator.rank]
        // Arrive in another order than that of ranks.
        Thread.sleep(forTimeInterval: Double(3 - communicator.rank) * 1e-3)
        try withUnsafeMutableBytes(of: &value) { raw in
          guard let memory = raw.baseAddress else { return }
          try communicator.allReduce(memory, count: 1, dtype: .float32, operation: .sum)
        }
        try requireEqual(value.bitPattern, expected.bitPattern, "the bits of the sum")
      }
    }
  }
}
