import Dist
import Engine
import TestSupport
import Testing

/// Not Sendable, as models are not.
private final class Result {
  let rank: Int

  init(rank: Int) {
    self.rank = rank
  }
}

@Suite("Strategies in this process", .timeLimit(.minutes(5)))
struct StrategyTests {
  @Test("one process", arguments: [LossScaling.replicas, .globalBatch])
  func single(scaling: LossScaling) throws {
    let size = try withStrategy(.single, lossScaling: scaling) {
      try requireEqual(DistributionContext.strategy.lossScaling, scaling, "the scaling")
      return DistributionContext.strategy.replicaCount
    }
    #expect(size == 1)
  }

  @Test("threads: the result is rank 0's, and every rank sees its own strategy")
  func threads() throws {
    let result = try withStrategy(.threads(4), lossScaling: .globalBatch) {
      let strategy = DistributionContext.strategy
      try requireEqual(strategy.lossScaling, .globalBatch, "the scaling")
      try requireEqual(strategy.replicaCount, 4, "the replicas")
      try requireEqual(strategy.isChief, strategy.communicator.rank == 0, "the chief")
      return Result(rank: strategy.communicator.rank)
    }
    #expect(result.rank == 0)
    #expect(DistributionContext.strategy is SingleProcess)
  }

  @Test(
    "errors of the body are thrown", arguments: [StrategyKind.single, .threads(1), .threads(3)])
  func errors(kind: StrategyKind) {
    #expect(throws: CheckFailure.self) {
      try withStrategy(kind) { throw CheckFailure("on purpose") }
    }
  }

  @Test("less than one thread is an error", arguments: [0, -3])
  func noThreads(count: Int) {
    #expect(throws: DistError.invalidSize(count)) { try withStrategy(.threads(count)) {} }
  }

  @Test("places of threads are on one node")
  func hosts() throws {
    let hosts = try withStrategy(.threads(3)) { try HostInfo.gather(DistributionContext.strategy) }
    #expect(hosts.map(\.rank) == [0, 1, 2])
    #expect(hosts.map(\.localRank) == [0, 1, 2])
    #expect(hosts.map(\.localSize) == [3, 3, 3])
    #expect(Set(hosts.map(\.processID)).count == 1)
    #expect(hosts.allSatisfy { $0.usableCores >= 1 && !$0.hostname.isEmpty })
  }
}
