import Dist
import Engine
import Foundation
import TestSupport
import Testing

private struct Mishap: Error, Equatable {
  var rank: Int
}

@Suite("Failures of ranks that are threads", .timeLimit(.minutes(5)))
struct ThreadFailureTests {
  @Test("a rank that throws wakes those that wait for it", arguments: [2, 3, 4])
  func oneThrows(size: Int) {
    #expect(throws: Mishap(rank: size - 1)) {
      try withStrategy(.threads(size)) {
        let communicator = DistributionContext.strategy.communicator
        if communicator.rank == size - 1 {
          Thread.sleep(forTimeInterval: 0.05)
          throw Mishap(rank: communicator.rank)
        }
        let error = try requireError("a barrier with a rank that throws") {
          try communicator.barrier()
        }
        try requireEqual(
          error as? DistError,
          .peerFailed(rank: size - 1, message: "Mishap(rank: \(size - 1))"), "the error")
        throw error
      }
    }
  }

  @Test("a rank that throws with its values in flight and frees them does no harm")
  func throwsInFlight() {
    for _ in 0..<20 {
      #expect(throws: Mishap(rank: 0)) {
        try withStrategy(.threads(3)) {
          let communicator = DistributionContext.strategy.communicator
          let count = 200_000
          let memory = UnsafeMutablePointer<Float>.allocate(capacity: count)
          memory.initialize(repeating: 1, count: count)
          defer { memory.deallocate() }
          let token = try communicator.startAllReduce(
            memory, count: count, dtype: .float32, operation: .sum)
          if communicator.rank == 0 { throw Mishap(rank: 0) }
          try communicator.wait(token)
          try requireEqual(memory[count - 1], 3, "the sum")
          try communicator.barrier()
        }
      }
    }
  }

  @Test("the error of the rank that failed first is thrown")
  func firstError() {
    #expect(throws: Mishap(rank: 2)) {
      try withStrategy(.threads(4)) {
        let rank = DistributionContext.strategy.communicator.rank
        Thread.sleep(forTimeInterval: rank == 2 ? 0 : 0.3)
        throw Mishap(rank: rank)
      }
    }
  }

  @Test("a rank that returns while others wait for it is an error, not a hang")
  func oneReturns() {
    let error = #expect(throws: DistError.self) {
      try withStrategy(.threads(3)) {
        let communicator = DistributionContext.strategy.communicator
        if communicator.rank == 1 { return }
        try communicator.barrier()
      }
    }
    #expect(error == .peerReturned(rank: 1, call: "barrier()"))
  }

  @Test("different collectives at the same place are named")
  func different() throws {
    let error = try #require(
      #expect(throws: DistError.self) {
        try withStrategy(.threads(2)) {
          let communicator = DistributionContext.strategy.communicator
          var value = Int32(0)
          try withUnsafeMutableBytes(of: &value) { raw in
            guard let memory = raw.baseAddress else { return }
            if communicator.rank == 0 {
              try communicator.allReduce(memory, count: 1, dtype: .int32, operation: .sum)
            } else {
              Thread.sleep(forTimeInterval: 0.05)
              try communicator.broadcast(memory, count: 1, dtype: .int32, root: 0)
            }
          }
        }
      })
    #expect(
      error.description
        == "ranks made different collectives at the same place: rank 0: allReduce(sum, 1 x int32); "
        + "rank 1: broadcast(1 x int32, root 0). Every rank must make the same ones in the same order; "
        + "what one rank does by itself goes into alone { }")
  }
}
