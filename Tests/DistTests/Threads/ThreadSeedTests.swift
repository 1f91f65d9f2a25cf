import Dist
import Engine
import TestSupport
import Testing

@Suite("Seeds of modules on ranks that are threads", .seeded)
struct ThreadSeedTests {
  @Test("All ranks have the seeds that one process has, and the caller goes on", arguments: 1...3)
  func seeds(size: Int) throws {
    let expected = (0..<4).map { _ in Linear(2).seed }
    setSeed(42)
    let before = Linear(2).seed
    let inside = try withStrategy(.threads(size)) {
      let communicator = DistributionContext.strategy.communicator
      let seeds = (0..<2).map { _ in Linear(2).seed }
      try agree(on: seeds.map { "\($0)" }, subject: "seeds", communicator: communicator)
      return seeds
    }
    #expect([before] + inside + [Linear(2).seed] == expected)
  }
}
