import Dist
import Engine
import Foundation
import TestSupport
import Testing

@Suite("Groups of ranks that are threads", .timeLimit(.minutes(5)))
struct ThreadGroupTests {
  private static var communicator: any Communicator { DistributionContext.strategy.communicator }

  @Test("Nodes and their first ranks", arguments: [(4, 2), (5, 2), (6, 3), (3, 1)])
  func nodes(_ count: Int, perNode: Int) throws {
    try runOnThreads(count, perNode: perNode) {
      let rank = Self.communicator.rank
      let first = rank / perNode * perNode
      let node = Array(first..<min(first + perNode, count))
      try requireEqual(try withRanks(.node) { try $0.allGather(rank) }, node, "the node")
      let leaders = try withRanks(.leaders) { try $0.allGather(rank) }
      let expected = Array(stride(from: 0, to: count, by: perNode))
      try requireEqual(leaders, rank == first ? expected : nil, "the first ranks")
    }
  }

  @Test("A sum over nodes, then over their first ranks, is that of all")
  func hierarchical() throws {
    try runOnThreads(6, perNode: 2) {
      let x = Tensor([Double(Self.communicator.rank), 1])
      let sum = try withRanks(.node) { try $0.allReduce(x) }
      let total = try withRanks(.leaders) { try $0.allReduce(sum) }
      let all = try withRanks(.node) { try $0.broadcast(total ?? sum) }
      try requireEqual(all.scalars(as: Double.self), [15, 6], "the sum of all")
    }
  }

  /// The error of four ranks in two nodes, when ranks 2 and 3 do different things.
  private func error(
    _ second: @escaping @Sendable () throws -> Void,
    third: @escaping @Sendable () throws -> Void
  ) -> DistError? {
    #expect(throws: DistError.self) {
      try runOnThreads(4, perNode: 2) {
        let rank = Self.communicator.rank
        try withRanks(.node) { try $0.barrier() }
        if rank == 2 { try second() }
        if rank == 3 { try third() }
        try barrier()
      }
    }
  }

  @Test("Different collectives in a group are named, with the group")
  func different() throws {
    let error = try #require(
      error {
        try withRanks(.node) { _ = try $0.allReduce(Tensor([Float(1)])) }
      } third: {
        Thread.sleep(forTimeInterval: 0.05)
        try withRanks(.node) { try $0.barrier() }
      })
    let text = error.description
    #expect(
      text.hasPrefix(
        "ranks made different collectives at the same place: rank 2: allReduce(sum, 1 x float32) among ranks 2, 3 (.node); "
          + "rank 3: barrier() among ranks 2, 3 (.node)."), "\(text)")
  }

  @Test(
    "A rank that waits for all, and one that waits for it in a group, end at once",
    arguments: [false, true])
  func crossed(isGroupFirst: Bool) throws {
    let error = try #require(
      error {
        if !isGroupFirst { Thread.sleep(forTimeInterval: 0.1) }
        try withRanks(.node) { try $0.barrier() }
      } third: {
        if isGroupFirst { Thread.sleep(forTimeInterval: 0.1) }
      })
    let text = error.description
    #expect(text.contains("rank 2: barrier() among ranks 2, 3 (.node)"), "\(text)")
    #expect(text.contains("rank 3: barrier()."), "\(text)")
  }

  @Test("A rank that has returned is named by its number in the run")
  func returned() {
    let error = #expect(throws: DistError.self) {
      try runOnThreads(4, perNode: 2) {
        let rank = Self.communicator.rank
        try withRanks(.node) { ranks in
          if rank == 2 { try ranks.barrier() }
        }
        // Rank 3 returns.
        if rank < 2 { try barrier() }
      }
    }
    #expect(
      error == .peerReturned(rank: 3, call: "barrier() among ranks 2, 3 (.node)")
        || error == .peerReturned(rank: 3, call: "barrier()"))
  }

  @Test("A rank that throws wakes those that wait for it in a group")
  func fails() {
    struct Mishap: Error, Equatable {}
    #expect(throws: Mishap.self) {
      try runOnThreads(4, perNode: 2) {
        try withRanks(.node) { ranks in
          if Self.communicator.rank == 3 { throw Mishap() }
          try ranks.barrier()
          try barrier()
        }
      }
    }
  }

  @Test("Values in flight in a group do no harm when their rank ends")
  func inFlight() {
    struct Mishap: Error, Equatable {}
    for _ in 0..<10 {
      #expect(throws: Mishap.self) {
        try runOnThreads(3) {
          let sums = jit { (x: Tensor) in try withRanks(.node) { try $0.allReduce(x) } }
          _ = try sums(Tensor.ones([10_000]))
          if Self.communicator.rank == 0 { throw Mishap() }
          _ = try sums(Tensor.ones([10_000]))
        }
      }
    }
  }
}
