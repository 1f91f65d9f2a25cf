import Dist
import Engine
import Foundation
import TestSupport

/// What goes wrong in a group: four ranks in two pairs, of which the second one differs.
enum GroupFault: String, CaseIterable {
  /// Rank 3 makes another collective of the group.
  case other
  /// Rank 3 waits for all ranks.
  case crossed
  /// Rank 3 comes late.
  case late
  /// Rank 3 never comes.
  case loop

  @Sendable func run() throws {
    let rank = DistributionContext.strategy.communicator.rank
    let pair = try RankGroup.split(by: rank / 2)
    try withRanks(pair) { ranks in
      // The first pair is ahead in its own sequence.
      if rank < 2 { for _ in 0..<5 { try ranks.barrier() } }
      if rank == 2 { _ = try ranks.allReduce(Tensor([Float(1)]), .max) }
      guard rank == 3 else { return }
      switch self {
      case .other: try ranks.barrier()
      case .crossed: break
      case .late:
        Thread.sleep(forTimeInterval: 3)
        _ = try ranks.allReduce(Tensor([Float(1)]), .max)
      case .loop: while true { Thread.sleep(forTimeInterval: 0.01) }
      }
    }
    try barrier()
  }
}
