import Synchronization
import Tensors

/// What the ranks of one node do in memory that all of them reach, in the place of messages.
extension MPICommunicator: SharingCommunicator {
  /// Bytes of a blocking all-reduce that are begun at a time: one part is copied while another is combined, all in the second-level cache.
  private static let partBytes = 256 << 10

  /// Whether the ranks reach each other's memory.
  package var sharesMemory: Bool { nodeMemory != nil }

  /// Memory in which what is reduced need not be copied. Any thread may call it.
  package func sharedMemory(byteCount: Int) -> Storage? { nodeMemory?.allocate(byteCount) }

  /// Uses memory that all ranks reach from here on. Called by all of them, between the same collectives.
  func share(_ memory: NodeMemory) {
    Self.lock.withLock { _ in nodeReduction = NodeReduction(memory) }
    nodeMemory = memory
  }

  // Called with the lock held.

  /// Compares what ranks call.
  func meet(on node: NodeReduction, _ number: Int, _ call: CollectiveCall) throws(DistError) {
    try explained { () throws(NodeReduction.Mismatch) in
      let meeting = try node.begin(
        nil, count: 0, dtype: .uint8, operation: .sum, hash: hash(number, call), number: number)
      try node.wait(until: meeting ?? 0)
    }
  }

  func reduce(
    _ buffer: UnsafeMutableRawPointer, on node: NodeReduction, _ call: CollectiveCall
  ) throws(DistError) {
    defer { lastMeeting = .now }
    try notes.record(call) { (number) throws(DistError) in
      let hash = hash(number, call)
      let length = Self.partBytes / call.dtype.size
      // The same parts on all ranks, wherever their arrays are; one without elements where there is nothing to combine.
      for start in stride(from: 0, to: max(call.count, 1), by: length) {
        var part = call
        part.count = min(length, call.count - start)
        let begun = try begin(
          buffer + start * call.dtype.size, on: node, part, number,
          hash: StableHash.combine(hash, UInt64(start)))
        try explained { () throws(NodeReduction.Mismatch) in try node.wait(until: begun - 1) }
      }
      try finish(node)
    }
  }

  func start(
    _ buffer: UnsafeMutableRawPointer, on node: NodeReduction, _ call: CollectiveCall
  ) throws(DistError) -> Int {
    let number = notes.begin(call)
    return try begin(buffer, on: node, call, number, hash: hash(number, call))
  }

  func wait(_ token: Int, on node: NodeReduction) throws(DistError) {
    guard 1...max(node.begun, 1) ~= token else { throw .unknownToken(token) }
    notes.wait(for: node.number(of: token))
    defer { notes.stopWaiting() }
    try explained { () throws(NodeReduction.Mismatch) in try node.wait(until: token) }
  }

  func test(_ token: Int, on node: NodeReduction) throws(DistError) -> Bool {
    guard 1...max(node.begun, 1) ~= token else { throw .unknownToken(token) }
    try explained { () throws(NodeReduction.Mismatch) in try node.advance() }
    return node.done >= token
  }

  /// Waits for all that is pending.
  func finish(_ node: NodeReduction) throws(DistError) {
    try explained { () throws(NodeReduction.Mismatch) in try node.wait(until: node.begun) }
  }

  private func begin(
    _ buffer: UnsafeMutableRawPointer, on node: NodeReduction, _ call: CollectiveCall,
    _ number: Int, hash: UInt64
  ) throws(DistError) -> Int {
    let begun = try explained { () throws(NodeReduction.Mismatch) in
      try node.begin(
        buffer, count: call.count, dtype: call.dtype, operation: call.operation, hash: hash,
        number: number)
    }
    guard let begun else { throw .noSharedMemory(bytes: call.count * call.dtype.size) }
    return begun
  }

  private func explained<R>(
    _ body: () throws(NodeReduction.Mismatch) -> R
  ) throws(DistError) -> R {
    do throws(NodeReduction.Mismatch) {
      return try body()
    } catch {
      if let difference = difference(ofCollective: error.number) as? DistError { throw difference }
      // Nobody answers any more.
      let call = notes.entry(error.number)?.description ?? "collective \(error.number)"
      throw .collectivesDiffer([CollectiveHolding(ranks: [rank], call: call)])
    }
  }
}
