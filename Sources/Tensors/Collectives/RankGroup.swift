/// Ranks of a run that work together in ``withRanks(_:_:)-(RankGroup,_)``: every rank is in one group of the kind.
public struct RankGroup: Sendable {
  private enum Kind {
    case all, node
    case parted(RankPartition)
  }

  private let kind: Kind

  /// All ranks.
  public static let all = RankGroup(kind: .all)

  /// The ranks of this rank's node, which share its memory. Ranks that are threads are on one node.
  public static let node = RankGroup(kind: .node)

  /// The ranks that give the same number, in the order of all ranks, as `MPI_Comm_split` does.
  ///
  /// Collective: every rank calls it; one small message. Make a group once, outside of loops and of what `jit` compiles.
  ///
  /// - Throws: what the communicator throws.
  public static func split(by number: Int) throws -> RankGroup {
    guard let ranks = try partibleRanks() else { return .all }
    return RankGroup(kind: .parted(try .gathered(".split", by: number, of: ranks)))
  }

  /// What joins the ranks of this rank's group.
  func communicator() throws -> any Communicator {
    if case .all = kind { return DistributionContext.strategy.communicator }
    guard let ranks = try partibleRanks() else { return DistributionContext.strategy.communicator }
    let partition = if case .parted(let partition) = kind { partition } else { try ranks.nodes() }
    guard let group = try ranks.group(in: partition) else {
      fatalError("rank \(ranks.rank) is in no group of \(partition.name)")
    }
    return group
  }
}

/// Ranks of a run that work together in ``withRanks(_:_:)-(RankSubset,_)`` while the others take no part.
public enum RankSubset: Hashable, Sendable {
  /// The first rank of each node.
  case leaders

  /// What joins these ranks; nil for a rank that is none of them.
  func communicator() throws -> (any Communicator)? {
    guard let ranks = try partibleRanks() else { return DistributionContext.strategy.communicator }
    let isLeader = try ranks.nodes().numbers.enumerated().map { $0 == $1 }
    return try ranks.group(
      in: RankPartition(name: ".leaders", numbers: isLeader.map { $0 ? 0 : nil }))
  }
}

/// The ranks of the strategy; nil where there is only one.
private func partibleRanks() throws -> (any PartibleCommunicator)? {
  let strategy = DistributionContext.strategy
  if strategy.communicator.size == 1 { return nil }
  if let busy = strategy.communicator as? BusyRanks { throw busy.refuse("withRanks") }
  guard let ranks = strategy.communicator as? any PartibleCommunicator else {
    throw EngineError.invalidCollective(
      call: "withRanks",
      message: "\(type(of: strategy.communicator)) knows no groups of ranks other than .all")
  }
  return ranks
}
