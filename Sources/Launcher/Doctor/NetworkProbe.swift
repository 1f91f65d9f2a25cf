import Dist
import Engine
import Foundation

/// What sums between nodes cost.
struct NetworkReport: Codable, Sendable {
  /// Of the sum between rank 0 and one other, or among all.
  struct Pair: Codable, Sendable {
    var rank: Int
    /// Seconds of a sum of one number.
    var latency: Double
    /// Bytes a second of a sum of ``NetworkProbe/bytes``.
    var bandwidth: Double
  }

  var pairs: [Pair]
  var all: Pair
}

/// `doctor --probe network`, a rank on each node: sums between the first and each other one, and among all.
enum NetworkProbe {
  static let bytes = 4 << 20

  static func run() throws {
    try withStrategy(.mpi) {
      let communicator = DistributionContext.strategy.communicator
      var pairs: [NetworkReport.Pair] = []
      if communicator.size > 2 {
        for other in 1..<communicator.size {
          let isIn = [0, other].contains(communicator.rank)
          let group = try RankGroup.split(by: isIn ? 0 : communicator.rank)
          let pair = try withRanks(group) { ranks in
            isIn ? try measure(&ranks, rank: other) : nil
          }
          if let pair { pairs.append(pair) }
        }
      }
      var everyone = try withRanks(.all) { try measure(&$0, rank: communicator.size - 1) }
      if communicator.size == 2 { pairs = [everyone] }
      everyone.rank = 0
      guard communicator.rank == 0 else { return }
      Console.print(try JSONText.encode(NetworkReport(pairs: pairs, all: everyone)))
    }
  }

  private static func measure(_ ranks: inout Ranks, rank: Int) throws -> NetworkReport.Pair {
    let latency = try seconds(&ranks, elements: 1, repetitions: 20)
    let long = try seconds(&ranks, elements: bytes / 4, repetitions: 3)
    return NetworkReport.Pair(rank: rank, latency: latency, bandwidth: Double(bytes) / long)
  }

  /// The median of five blocks.
  private static func seconds(
    _ ranks: inout Ranks, elements: Int, repetitions: Int
  ) throws -> Double {
    let tensor = Tensor.zeros([elements])
    let clock = ContinuousClock()
    var times: [Double] = []
    for _ in 0..<6 {
      let begin = clock.now
      for _ in 0..<repetitions { _ = try ranks.allReduce(tensor) }
      times.append((clock.now - begin) / .seconds(1) / Double(repetitions))
    }
    // The first connects.
    return times.dropFirst().sorted()[2]
  }
}
