/// One message that a rank sends, while it receives one as long: the step from one moment at which MPI must be called to the next.
package struct Hop: Sendable, Equatable {
  /// What it goes through.
  package enum Way: Sendable {
    /// From node to node.
    case network
    /// A message within a node.
    case node
    /// A sum in the memory of a node, which the ranks do themselves.
    case memory
  }

  package var way: Way
  /// That this rank sends.
  package var bytes: Double
  /// Ranks of the node that send at once through its link.
  package var senders = 1
  /// Whether it comes later by the latency; the further pieces of a long message follow the first.
  package var hasLatency = true
  /// Bytes that are added to the rank's own when it has come.
  package var addedBytes = 0.0

  package init(
    _ way: Way, bytes: Double, senders: Int = 1, hasLatency: Bool = true, addedBytes: Double = 0
  ) {
    (self.way, self.bytes, self.senders) = (way, bytes, senders)
    (self.hasLatency, self.addedBytes) = (hasLatency, addedBytes)
  }
}

/// The hops of a message, one after the other, as every rank makes them.
///
/// The algorithms are those of Thakur, Rabenseifner and Gropp, *Optimization of Collective Communication Operations in MPICH* (IJHPCA 2005),
/// with `p` ranks and `n` bytes.
package struct SumRounds: Sendable {
  /// Sums of at most as many bytes are blocking: `MPICommunicator.blockingBytes`.
  package static let blockingBytes = 8 << 10

  private let layout: RankLayout
  private let way: SumWay
  private let costs: ClusterCosts

  package init(_ layout: RankLayout, _ way: SumWay, _ costs: ClusterCosts) {
    (self.layout, self.way, self.costs) = (layout, way, costs)
  }

  /// Whether the rank that starts a message waits for it at once.
  package func isBlocking(_ message: StepWork.Message) -> Bool {
    layout.nodes > 1 && message.kind == .sum && message.byteCount <= Self.blockingBytes
  }

  /// The hops of a message; none for one rank.
  package func hops(of message: StepWork.Message) -> [Hop] {
    let bytes = Double(message.byteCount)
    guard layout.ranks > 1 else { return [] }
    if message.kind == .gather { return gather(bytes) }
    if layout.nodes == 1 { return [Hop(.memory, bytes: bytes)] }
    switch way {
    case .messages:
      return sum(bytes, among: layout.ranks, perNode: layout.fullest)
    case .leaders:
      let between = sum(bytes, among: layout.nodes, perNode: 1)
      if layout.fullest == 1 { return between }
      let memory = Hop(.memory, bytes: bytes)
      return [memory] + between + [memory]
    }
  }

  /// All to all: `(p - 1) n` bytes from each rank, at once.
  private func gather(_ bytes: Double) -> [Hop] {
    let others = Double(layout.ranks - 1) * bytes
    guard layout.nodes > 1 else { return [Hop(.node, bytes: others)] }
    let away = Double(layout.ranks - layout.fullest) * bytes
    return agreed(Hop(.network, bytes: away, senders: layout.fullest))
  }

  private func sum(_ bytes: Double, among ranks: Int, perNode: Int) -> [Hop] {
    bytes <= Double(Self.blockingBytes)
      ? doubling(bytes, ranks, perNode) : halving(bytes, ranks, perNode)
  }

  /// Recursive doubling (§4.4): `log2 p` exchanges of all `n` bytes; one before and one after them where `p` is no power of two.
  private func doubling(_ bytes: Double, _ ranks: Int, _ perNode: Int) -> [Hop] {
    let rounds = distances(below: ranks).map { exchange(bytes, $0, perNode, adds: true) }
    guard isOdd(ranks) else { return rounds.flatMap(\.self) }
    return exchange(bytes, 1, perNode, adds: true) + rounds.flatMap(\.self)
      + exchange(bytes, 1, perNode, adds: false)
  }

  /// Rabenseifner's algorithm (§4.4), as Open MPI's `libnbc` has it: a reduce-scatter by halves of the array at distances of 1, 2, 4 ... ranks, and an
  /// all-gather back: `2 log2 p` exchanges, `2 n (p - 1) / p` bytes. Where `p` is no power of two, pairs of ranks add up first, a half each
  /// and then one to the other, and share the result at the end.
  private func halving(_ bytes: Double, _ ranks: Int, _ perNode: Int) -> [Hop] {
    let distances = distances(below: ranks)
    var parts: [(distance: Int, bytes: Double)] = []
    for (round, distance) in distances.enumerated() {
      parts.append((distance, bytes / Double(2 << round)))
    }
    let down = parts.flatMap { exchange($0.bytes, $0.distance, perNode, adds: true) }
    let up = parts.reversed().flatMap { exchange($0.bytes, $0.distance, perNode, adds: false) }
    guard isOdd(ranks) else { return down + up }
    let pairs =
      exchange(bytes / 2, 1, perNode, adds: true) + exchange(bytes / 2, 1, perNode, adds: false)
    return pairs + down + up + exchange(bytes, 1, perNode, adds: false)
  }

  /// Powers of two below `ranks`, as many as take part.
  private func distances(below ranks: Int) -> [Int] {
    var distances: [Int] = []
    var distance = 1
    while 2 * distance <= ranks {
      distances.append(distance)
      distance *= 2
    }
    return distances
  }

  private func isOdd(_ ranks: Int) -> Bool { ranks & (ranks - 1) != 0 }

  /// With the rank that is `distance` further: on the same node where nodes have more than `distance` ranks.
  private func exchange(_ bytes: Double, _ distance: Int, _ perNode: Int, adds: Bool) -> [Hop] {
    let added = adds ? bytes : 0
    guard distance >= perNode else { return [Hop(.node, bytes: bytes, addedBytes: added)] }
    return agreed(Hop(.network, bytes: bytes, senders: perNode, addedBytes: added))
  }

  /// The hops of a message between nodes: a long one begins with a question and its answer, and comes in pieces.
  private func agreed(_ hop: Hop) -> [Hop] {
    let (eager, socket) = (Double(costs.eagerBytes), Double(costs.socketBytes))
    guard hop.bytes > eager else { return [hop] }
    func piece(_ bytes: Double, hasLatency: Bool) -> Hop {
      Hop(.network, bytes: bytes, senders: hop.senders, hasLatency: hasLatency)
    }
    var hops = [piece(eager, hasLatency: true), piece(0, hasLatency: true)]
    var rest = hop.bytes - eager
    while rest > socket {
      hops.append(piece(socket, hasLatency: false))
      rest -= socket
    }
    hops.append(piece(rest, hasLatency: true))
    hops[hops.count - 1].addedBytes = hop.addedBytes
    return hops
  }
}
