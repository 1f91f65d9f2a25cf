/// The order in which a plan runs its operations.
package enum Schedule {
  /// The order of the trace, except that the reduction of a bucket starts as soon as its last gradient is there, and is waited
  /// for only when nothing else is left to do.
  ///
  /// - Parameters:
  ///   - nodes: all operations of a plan, in the order of the trace.
  ///   - meetings: the order in which ranks meet, from ``meetings(in:)`` of the graph as it was traced. Passes look at
  ///     shapes, which differ between ranks (a share can be of one row, or of none), and may compute a gradient earlier or
  ///     later than they do on another rank; the messages keep the order of the trace, which all ranks have.
  /// - Returns: the operations in the order in which they run.
  package static func order(_ nodes: [Node], meetings: [AnyHashable]) -> [Node] {
    let order = waitingLate(startingEarly(nodes))
    guard order.contains(where: isMeeting) else { return order }
    var meeting = Meeting(order, meetings)
    return meeting.run()
  }

  /// The operations in which ranks meet, in order.
  package static func meetings(in nodes: [Node]) -> [AnyHashable] {
    startingEarly(nodes).filter(isMeeting).map { AnyHashable($0.primitive) }
  }

  package static func isMeeting(_ node: Node) -> Bool {
    !node.primitive.isPure
      && (node.primitive is any CollectivePrimitive || node.primitive.startedWork != nil)
  }

  private static func startingEarly(_ nodes: [Node]) -> [Node] {
    var starts: [Int: [Node]] = [:]
    var first: [Node] = []
    var moved: Set<Int> = []
    var lastPlace: Int?
    for node in nodes where node.primitive.startedWork != nil {
      // What stands in for a gradient is there when that one is.
      let operations = node.inputs.compactMap(\.tracedNode)
        .flatMap { $0.primitive is StandIn ? $0.inputs.compactMap(\.tracedNode) : [$0] }
        // An input, a variable or a constant is there from the beginning.
        .filter { !($0.primitive is Placeholder) }
      lastPlace = [lastPlace, operations.map(\.id).max()].compactMap(\.self).max()
      if let lastPlace { starts[lastPlace, default: []].append(node) } else { first.append(node) }
      moved.insert(node.id)
    }
    guard !moved.isEmpty else { return nodes }
    var ordered = first
    for node in nodes where !moved.contains(node.id) {
      ordered.append(node)
      ordered += starts[node.id] ?? []
    }
    return ordered
  }

  /// Puts what needs no sum before all waits, and each wait in front of what reads its sums first: a bucket is used while others
  /// are under way.
  ///
  /// Only where the votes of the step say, before any sum is used, that nothing ends it any more: else every use would have to wait for the
  /// last bucket anyway.
  private static func waitingLate(_ nodes: [Node]) -> [Node] {
    func isLate(_ node: Node) -> Bool {
      guard case .wait? = node.primitive.bucketRole else { return false }
      return !node.primitive.isStepGuard
    }
    guard nodes.contains(where: isLate) else { return nodes }
    var early: [Node] = []
    var late: [Node] = []
    var needs: Set<Int> = []
    var waits: [Int: Node] = [:]
    for node in nodes {
      let isWait: Bool = if case .wait? = node.primitive.bucketRole { true } else { false }
      guard
        isWait
          || node.inputs.contains(where: { $0.tracedNode.map { needs.contains($0.id) } ?? false })
      else {
        early.append(node)
        continue
      }
      needs.insert(node.id)
      if isLate(node) {
        waits[node.id] = node
        continue
      }
      for input in node.inputs {
        if let wait = input.tracedNode.flatMap({ waits.removeValue(forKey: $0.id) }) {
          late.append(wait)
        }
      }
      late.append(node)
    }
    // Sums that nobody reads.
    return early + late + nodes.filter { waits[$0.id] != nil }
  }

  /// Goes through a list and puts in front of each operation what must come before it and has not yet.
  private struct Meeting {
    private let nodes: [Node]
    private let own: [Int: Node]
    /// Meetings in the order that holds, and the number of each.
    private var meetings: [Node] = []
    private var number: [Int: Int] = [:]
    private var met = 0
    private var entered: Set<Int> = []
    private var result: [Node] = []

    init(_ nodes: [Node], _ order: [AnyHashable]) {
      self.nodes = nodes
      own = Dictionary(uniqueKeysWithValues: nodes.map { ($0.id, $0) })
      // One operation may be there several times, as what is computed again in the backward pass.
      var places: [AnyHashable: [Int]] = [:]
      for (place, key) in order.enumerated() { places[key, default: []].append(place) }
      var uses: [AnyHashable: Int] = [:]
      let found = nodes.filter(isMeeting).map { node in
        let key = AnyHashable(node.primitive)
        let use = uses[key, default: 0]
        uses[key] = use + 1
        let known = places[key] ?? []
        return (node: node, place: use < known.count ? known[use] : order.count)
      }
      meetings = found.enumerated()
        .sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }
        .map(\.element.node)
      for (index, node) in meetings.enumerated() { number[node.id] = index }
    }

    mutating func run() -> [Node] {
      result.reserveCapacity(nodes.count)
      for node in nodes { put(node) }
      return result
    }

    private mutating func put(_ node: Node) {
      guard entered.insert(node.id).inserted else { return }
      for input in node.inputs {
        if let source = input.tracedNode.flatMap({ own[$0.id] }) { put(source) }
      }
      if let number = number[node.id] {
        while met < number {
          let before = met
          put(meetings[before])
          // It waits for this one itself: no trace has that.
          if met == before { break }
        }
        met = max(met, number + 1)
      }
      result.append(node)
    }
  }
}
