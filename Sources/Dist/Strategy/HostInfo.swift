import Foundation
import Tensors

/// Where a rank runs.
public struct HostInfo: Hashable, Sendable, Codable {
  /// The number of the rank.
  public var rank: Int
  /// Its number among the ranks of its node.
  public var localRank: Int
  /// How many ranks its node has.
  public var localSize: Int
  /// The name of its node.
  public var hostname: String
  /// The number of the rank's process.
  public var processID: Int
  /// How many cores the process may use: the launcher's binding can make it fewer than the node has.
  public var usableCores: Int

  /// This rank's own place, before it is compared with others.
  public init(rank: Int, localRank: Int, localSize: Int) {
    self.rank = rank
    self.localRank = localRank
    self.localSize = localSize
    self.hostname = ProcessInfo.processInfo.hostName
    self.processID = Int(ProcessInfo.processInfo.processIdentifier)
    self.usableCores = ProcessInfo.processInfo.activeProcessorCount
  }

  /// The places of all ranks, in the order of ranks, on every rank.
  ///
  /// - Parameter strategy: the ranks; under MPI the local numbers come from MPI, otherwise all ranks
  ///   are on one node.
  /// - Returns: one place a rank.
  /// - Throws: an error of the communicator.
  public static func gather(_ strategy: any DistributionStrategy) throws -> [HostInfo] {
    let communicator = strategy.communicator
    let session = (strategy as? MPIStrategy)?.session
    let mine = HostInfo(
      rank: communicator.rank, localRank: session?.localRank ?? communicator.rank,
      localSize: session?.localSize ?? communicator.size)
    let text = String(decoding: try JSONEncoder().encode(mine), as: UTF8.self)
    return try communicator.allGather(text: text).map {
      try JSONDecoder().decode(HostInfo.self, from: Data($0.utf8))
    }
  }
}
