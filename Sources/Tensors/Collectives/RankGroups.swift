import Synchronization

/// How the ranks of a run are parted into groups, as every rank knows it.
package struct RankPartition: Hashable, Sendable {
  /// What it is called in messages: `.node`.
  package let name: String
  /// The number of each rank's group, that of its first rank; nil for a rank that is in none.
  package let numbers: [Int?]

  /// The ranks of the group of `rank`, in increasing order; nil when it is in none.
  package func members(with rank: Int) -> [Int]? {
    guard let number = numbers[rank] else { return nil }
    return numbers.indices.filter { numbers[$0] == number }
  }

  /// The partition in which ranks that give the same number are a group. Collective.
  static func gathered(
    _ name: String, by number: Int, of ranks: any Communicator
  ) throws -> RankPartition {
    var own = Int64(number)
    var numbers = [Int64](repeating: 0, count: ranks.size)
    let counts = [Int](repeating: 1, count: ranks.size)
    try ranks.named("the numbers of groups for \(name)") {
      try ranks.allGather(&own, counts: counts, dtype: .int64, into: &numbers)
    }
    return RankPartition(name: name, numbers: numbers.map { numbers.firstIndex(of: $0) })
  }
}

/// A communicator whose ranks can be parted into groups.
package protocol PartibleCommunicator: Communicator {
  /// The number of the first rank of this rank's node.
  var node: Int { get }

  /// The groups that have been made so far.
  var groups: RankGroups { get }

  /// Makes what joins the ranks of this rank's group; nil when it is in none. Collective: every rank calls it.
  ///
  /// - `number`: the number of the partition, from 1.
  func makeGroup(of partition: RankPartition, number: Int) throws -> (any Communicator)?
}

extension PartibleCommunicator {
  /// The ranks by node. Collective at the first time.
  func nodes() throws -> RankPartition {
    if let known = groups.state.withLock({ $0.nodes }) { return known }
    let nodes = try RankPartition.gathered(".node", by: node, of: self)
    groups.state.withLock { $0.nodes = nodes }
    return nodes
  }

  /// What joins the ranks of this rank's group; nil when it is in none. Collective at the first time for each partition.
  func group(in partition: RankPartition) throws -> (any Communicator)? {
    guard partition.numbers.count == size else {
      throw EngineError.invalidCollective(
        call: "withRanks",
        message: "the group was split from \(partition.numbers.count) ranks, but here are \(size)")
    }
    let (known, count) = groups.state.withLock { state in
      (state.made.first { $0.partition == partition }, state.made.count)
    }
    if let known { return known.group }
    let group = try makeGroup(of: partition, number: count + 1)
    groups.state.withLock { $0.made.append((partition, group)) }
    return group
  }
}

/// The groups into which ranks have been parted, as one of them knows them: the same partitions in the same order on every rank.
package final class RankGroups: Sendable {
  fileprivate struct State {
    var nodes: RankPartition?
    var made: [(partition: RankPartition, group: (any Communicator)?)] = []
  }

  fileprivate let state = Mutex(State())

  /// No groups.
  package init() {}

  /// The groups that this rank is in.
  package var all: [any Communicator] { state.withLock { $0.made.compactMap(\.group) } }

  /// Forgets all groups.
  package func removeAll() { state.withLock { $0 = State() } }
}
