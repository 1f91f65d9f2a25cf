import Launcher
import Testing

/// Steps whose times are computed by hand: costs are round numbers, and what a test does not name costs nothing.
@Suite("A replayed step") struct StepSimulatorTests {
  /// A network whose messages take no agreement, and ranks whose copying and adding cost nothing.
  private static func costs(latency: Double = 0, bandwidth: Double = .infinity) -> ClusterCosts {
    var costs = ClusterCosts()
    (costs.latency, costs.bandwidth) = (latency, bandwidth)
    (costs.nodeLatency, costs.nodeBandwidth) = (0, .infinity)
    (costs.memoryLatency, costs.memoryBandwidth) = (0, .infinity)
    (costs.reduction, costs.copying) = (.infinity, .infinity)
    (costs.eagerBytes, costs.socketBytes) = (.max, .max)
    return costs
  }

  private static func run(
    _ work: StepWork, _ costs: ClusterCosts, ranks: Int = 2, perNode: Int = 1,
    way: SumWay = .messages, progress: StepSimulator.Progress = .always
  ) -> StepSimulator.Outcome {
    StepSimulator(
      costs, RankLayout(ranks: ranks, ranksPerNode: perNode), way: way, progress: progress
    ).run(work)
  }

  /// Three kernels of 10, 20 and 30 seconds and two messages of a million bytes, after the first and after the second.
  private static let twoBuckets = StepWork(
    events: [
      .compute(10), .start(0), .compute(20), .start(1), .compute(30), .wait(0), .wait(1),
    ], messages: [.init(byteCount: 1_000_000), .init(byteCount: 1_000_000)])

  private func near(_ value: Double, _ expected: Double) -> Bool {
    abs(value - expected) < 1e-9 * max(1, abs(expected))
  }

  @Test("of one rank takes as long as its kernels, whatever a network costs") func oneRank() {
    let outcome = Self.run(Self.twoBuckets, Self.costs(latency: 5, bandwidth: 1), ranks: 1)
    #expect(outcome.step == 60 && outcome.compute == 60)
    #expect(outcome.exposed == 0 && outcome.waiting == 0 && outcome.hops == 0)
  }

  @Test(
    "of a network that costs nothing takes as long as its kernels", arguments: [2, 3, 64, 1024])
  func free(ranks: Int) {
    for progress in [StepSimulator.Progress.always, .betweenKernels] {
      let outcome = Self.run(Self.twoBuckets, Self.costs(), ranks: ranks, progress: progress)
      // Between kernels hops of no time at all still wait for the next kernel, of which the last waits have as many as they want.
      #expect(near(outcome.step, 60), "\(outcome)")
    }
  }

  @Test("hides messages behind kernels where these take longer") func computeBound() {
    // A bucket: two exchanges of half a million bytes, 1 s of latency and 2 s of transfer each.
    let outcome = Self.run(Self.twoBuckets, Self.costs(latency: 1, bandwidth: 250_000))
    #expect(near(outcome.step, 60) && outcome.waiting == 0)
    #expect(near(outcome.messages[0].lowerBound, 10) && near(outcome.messages[0].upperBound, 16))
    #expect(near(outcome.messages[1].lowerBound, 30) && near(outcome.messages[1].upperBound, 36))
    #expect(outcome.hops == 4 && near(outcome.networkBytes, 2_000_000))
  }

  @Test("waits for the link where messages take longer") func communicationBound() {
    // Half a bucket takes 25 s on the link: the first one 10 to 35, then half of the second one to 60, and so on in turn.
    let outcome = Self.run(Self.twoBuckets, Self.costs(bandwidth: 20_000))
    #expect(near(outcome.step, 110) && near(outcome.exposed, 50) && near(outcome.waiting, 50))
    #expect(near(outcome.messages[0].upperBound, 85), "\(outcome)")
    #expect(near(outcome.messages[1].upperBound, 110), "\(outcome)")
  }

  @Test("of a single bucket after all kernels exposes the whole of its message") func singleBucket()
  {
    let work = StepWork(
      events: [.compute(3), .start(0), .wait(0), .compute(1)], messages: [.init(byteCount: 800_000)]
    )
    // 4 ranks: 2 (1/2 + 1/4) of 800,000 bytes in 4 exchanges.
    let outcome = Self.run(work, Self.costs(latency: 0.5, bandwidth: 1e6), ranks: 4)
    #expect(near(outcome.exposed, 4 * 0.5 + 1.2) && near(outcome.step, 4 + 3.2), "\(outcome)")
    #expect(outcome.hops == 4 && near(outcome.networkBytes, 1_200_000))
  }

  @Test("goes on with messages between kernels only, as MPI does") func polls() {
    let work = StepWork(
      events: [
        .start(0), .compute(10), .compute(10), .compute(10), .wait(0),
      ], messages: [.init(byteCount: 1_000_000)])
    // Two exchanges of 1 s: the first has come at 1 but is seen at 10, the second at 20.
    let costs = Self.costs(latency: 1)
    let outcome = Self.run(work, costs, progress: .betweenKernels)
    #expect(near(outcome.messages[0].upperBound, 20) && outcome.waiting == 0, "\(outcome)")
    #expect(near(Self.run(work, costs).messages[0].upperBound, 2))
    // With one kernel in the middle what comes after the first exchange is exposed.
    let long = StepWork(
      events: [.start(0), .compute(30), .wait(0)], messages: work.messages)
    #expect(near(Self.run(long, costs, progress: .betweenKernels).step, 31))
  }

  @Test("asks before it sends a long message, and sends it in pieces") func agreement() {
    var costs = Self.costs(latency: 1, bandwidth: 100_000)
    (costs.eagerBytes, costs.socketBytes) = (100_000, 250_000)
    let work = StepWork(
      events: [.start(0), .wait(0)], messages: [.init(byteCount: 1_000_000)])
    // Each half: a question with 100,000 bytes (1 + 1 s), an answer (1 s), 250,000 bytes (2.5 s), 150,000 bytes (1.5 + 1 s).
    let outcome = Self.run(work, costs, progress: .betweenKernels)
    #expect(near(outcome.step, 2 * 8) && outcome.hops == 8, "\(outcome)")
  }

  @Test("takes the time of its thread for copying and adding up") func ownTime() {
    var costs = Self.costs()
    (costs.copying, costs.reduction) = (100_000, 250_000)
    let work = StepWork(
      events: [.start(0), .compute(10), .wait(0)], messages: [.init(byteCount: 1_000_000)])
    // Two exchanges of 500,000 bytes are copied (5 s each), one is added (2 s).
    let outcome = Self.run(work, costs)
    #expect(near(outcome.step, 10 + 12) && near(outcome.exposed, 12), "\(outcome)")
  }

  @Test("waits at once for a message of a few bytes") func small() {
    let work = StepWork(
      events: [.start(0), .compute(10), .wait(0)], messages: [.init(byteCount: 8192)])
    // 8 ranks: three exchanges.
    let outcome = Self.run(work, Self.costs(latency: 1), ranks: 8)
    #expect(near(outcome.step, 13) && near(outcome.waiting, 3) && outcome.hops == 3, "\(outcome)")
  }

  @Test("adds up in memory on one node") func memory() {
    var costs = Self.costs(latency: 100, bandwidth: 1)
    (costs.memoryLatency, costs.memoryBandwidth) = (0.5, 1_000_000)
    let outcome = Self.run(Self.twoBuckets, costs, ranks: 4, perNode: 4)
    #expect(near(outcome.step, 60 + 2 * 1.5) && outcome.networkBytes == 0, "\(outcome)")
  }

  @Test("shares a node's link among its ranks, unless one sends for all") func nodes() {
    // 2 nodes of 2 ranks: a quarter of the array goes to the other node and comes back, from both ranks at once.
    let work = StepWork(
      events: [.start(0), .wait(0)], messages: [.init(byteCount: 1_000_000)])
    let all = Self.run(work, Self.costs(bandwidth: 1e6), ranks: 4, perNode: 2)
    #expect(near(all.step, 2 * 2 * 0.25) && near(all.networkBytes, 500_000), "\(all)")
    let leaders = Self.run(
      work, Self.costs(bandwidth: 1e6), ranks: 4, perNode: 2, way: .leaders)
    #expect(near(leaders.step, 1) && near(leaders.networkBytes, 1_000_000), "\(leaders)")
  }

  @Test("of ranks that are no power of two has exchanges before and after") func oddRanks() {
    let layout = RankLayout(ranks: 3, ranksPerNode: 1)
    let rounds = SumRounds(layout, .messages, Self.costs())
    let long = rounds.hops(of: .init(byteCount: 1_000_000)).map(\.bytes)
    #expect(long == [500_000, 500_000, 500_000, 500_000, 1_000_000])
    #expect(rounds.hops(of: .init(byteCount: 1000)).map(\.bytes) == [1000, 1000, 1000])
    // What each rank has goes to both others.
    #expect(rounds.hops(of: .init(.gather, byteCount: 300)).map(\.bytes) == [600])
  }

  @Test("sends 2 (p - 1) / p of a sum's bytes on p ranks", arguments: [2, 4, 16, 1024])
  func bytes(ranks: Int) {
    let rounds = SumRounds(
      RankLayout(ranks: ranks, ranksPerNode: 1), .messages, Self.costs())
    let sent = rounds.hops(of: .init(byteCount: 1 << 20)).reduce(0) { $0 + $1.bytes }
    let expected = 2 * Double(ranks - 1) / Double(ranks) * Double(1 << 20)
    #expect(near(sent, expected))
  }

  @Test("says what it waits for") func limits() {
    func cause(_ work: StepWork, _ costs: ClusterCosts, ranks: Int = 2) -> StepLimit.Cause {
      let simulator = StepSimulator(costs, RankLayout(ranks: ranks, ranksPerNode: 1))
      return StepLimit(simulator, work, simulator.run(work), ideal: work.computeSeconds).cause
    }
    let work = StepWork(
      events: [.compute(1), .start(0), .wait(0)], messages: [.init(byteCount: 1_000_000)])
    #expect(cause(work, Self.costs()) == .compute)
    #expect(cause(work, Self.costs(latency: 1)) == .latency)
    #expect(cause(work, Self.costs(bandwidth: 1e6)) == .bandwidth)
    var copying = Self.costs()
    copying.copying = 1e6
    #expect(cause(work, copying) == .copying)
    let polled = StepWork(
      events: [.start(0), .compute(10), .wait(0)], messages: [.init(byteCount: 1_000_000)])
    // Each exchange takes 4.9 s: between kernels the second one is begun after 10.
    var slow = Self.costs(latency: 2.4, bandwidth: 200_000)
    #expect(cause(polled, slow) == .progress)
    slow.latency = 100
    #expect(cause(polled, slow) == .latency)
    // Kernels that take twice their share, as with a small part of a batch.
    let simulator = StepSimulator(Self.costs(), RankLayout(ranks: 2, ranksPerNode: 1))
    #expect(StepLimit(simulator, work, simulator.run(work), ideal: 0.5).cause == .compute)
  }

  @Test("of stragglers waits for the slowest, and never less for more ranks") func stragglers() {
    let none = Stragglers(jitter: 0, seed: 1)
    #expect(none.slowest(of: 1024) == 1)
    let some = Stragglers(jitter: 0.05, seed: 7)
    let factors = [1, 2, 8, 64, 1024].map(some.slowest)
    #expect(factors == factors.sorted() && factors[0] >= 1)
    #expect(factors == [1, 2, 8, 64, 1024].map(Stragglers(jitter: 0.05, seed: 7).slowest))
    // The largest of 1,024 normal numbers is 3.2 or so, hardly ever below 2.5 or above 5.
    #expect(factors[4] > 1.125 && factors[4] < 1.25, "\(factors)")
    #expect(Self.twoBuckets.slowed(by: 2).computeSeconds == 120)
  }
}
