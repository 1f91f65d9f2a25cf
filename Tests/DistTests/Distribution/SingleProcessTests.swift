import Engine
import TestSupport
import Testing

@Suite("Single process")
struct SingleProcessTests {
  @Test("the default strategy is one process")
  func defaultStrategy() {
    let strategy = DistributionContext.strategy
    #expect(strategy is SingleProcess)
    #expect(strategy.replicaCount == 1)
    #expect(strategy.isChief)
    #expect(strategy.lossScaling == .replicas)
  }

  @Test(
    "a communicator of one rank does what every communicator does", arguments: CommunicatorCheck.all
  )
  func behaviour(check: CommunicatorCheck) throws {
    try check.run(LocalCommunicator())
  }
}
