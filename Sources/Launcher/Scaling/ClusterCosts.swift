/// What moving and adding bytes costs between ranks, and how many of them share a node.
package struct ClusterCosts: Sendable, Codable, Equatable {
  /// Seconds from one node to another for a message of no length.
  package var latency = 30e-6
  /// Bytes a second that a node sends, and receives at the same time.
  package var bandwidth = 1.25e9
  /// The same of messages within a node.
  package var nodeLatency = 2e-6
  package var nodeBandwidth = 4e9
  /// Seconds of a sum of no length in memory that the ranks of a node share.
  package var memoryLatency = 1.5e-6
  /// Bytes of an array over the time of its sum in that memory, all ranks of the node adding.
  package var memoryBandwidth = 20e9
  /// Bytes a second that a rank adds to its own.
  package var reduction = 10e9
  /// Bytes a second that a rank's thread copies into and out of a socket, one in each direction.
  package var copying = 2e9
  /// Longer messages are agreed on first: their sender asks, and sends the rest when it has the answer (Open MPI: `btl_tcp_eager_limit`).
  package var eagerBytes = 64 << 10
  /// Bytes that go on by themselves while ranks compute: what the buffers of two sockets take.
  package var socketBytes = 4 << 20

  package init() {}
}

/// Where ranks are: nodes are filled one after the other.
package struct RankLayout: Sendable, Equatable {
  package var ranks: Int
  package var ranksPerNode: Int

  /// - Parameters:
  ///   - ranks: at least 1.
  ///   - ranksPerNode: of a full node, at least 1.
  package init(ranks: Int, ranksPerNode: Int) {
    (self.ranks, self.ranksPerNode) = (max(ranks, 1), max(ranksPerNode, 1))
  }

  package var nodes: Int { (ranks + ranksPerNode - 1) / ranksPerNode }
  /// Ranks of a full node.
  package var fullest: Int { min(ranks, ranksPerNode) }
}

/// How ranks of several nodes add up.
package enum SumWay: String, Sendable, Codable, CaseIterable {
  /// Every rank sends to every node: MPI's all-reduce among all ranks.
  case messages
  /// The ranks of a node add up in its memory, and one of each node sends.
  case leaders
}
