/// How large the messages are in which gradients are added over ranks.
///
/// A small first message lets communication start early in the backward pass, and a small last one leaves little that nothing is left to
/// hide; large ones between them cost less in all (Li et al., *PyTorch Distributed*, VLDB 2020, §3.2). Gradients lie in a bucket in the
/// order in which they are ready, and one that is larger than the limit has a bucket of its own.
public struct BucketLimits: Hashable, Sendable, Codable {
  /// Bytes of the first bucket.
  public let firstBytes: Int
  /// Bytes of every other bucket.
  public let otherBytes: Int
  /// Bytes of the last bucket, where it would be more than twice as long.
  public let lastBytes: Int

  private static let (small, large) = (1 << 20, 25 << 20)

  /// For messages among a number of ranks: 1 MiB for the first bucket and the last one, and for the others 256 KiB a rank, at most 25 MiB.
  ///
  /// In a ring each rank sends 2 (n - 1) parts of a message, so that the number of bytes which hides their latencies grows with the ranks. A
  /// function of the number of ranks, never of a measurement: how messages are cut decides in which order MPI adds.
  public static func messages(ranks: Int) -> BucketLimits {
    BucketLimits(
      firstBytes: small, otherBytes: min(max(ranks << 18, small), large), lastBytes: small)
  }

  /// For ranks that add up in memory which they share, where an array costs no latency to speak of: 1 MiB.
  public static let sharedMemory = BucketLimits(bytes: small)

  /// Limits in bytes; 0 gives every gradient a bucket of its own. The last bucket has the limit of the others unless `lastBytes` is given.
  public init(firstBytes: Int, otherBytes: Int, lastBytes: Int? = nil) {
    self.firstBytes = max(firstBytes, 0)
    self.otherBytes = max(otherBytes, 0)
    self.lastBytes = max(lastBytes ?? otherBytes, 0)
  }

  /// One limit for all buckets.
  public init(bytes: Int) { self.init(firstBytes: bytes, otherBytes: bytes) }

  /// What ``BucketedAllReduce`` takes unless told otherwise.
  static func standard(for communicator: any Communicator) -> BucketLimits {
    if let sharing = communicator as? any SharingCommunicator, sharing.sharesMemory {
      return sharedMemory
    }
    return messages(ranks: communicator.size)
  }
}

/// Which gradients go into one message: in order, one scalar type a bucket.
package struct BucketPlan {
  /// Positions of the gradients of each bucket.
  package let buckets: [[Int]]

  package init(_ specs: [TensorSpec], limits: BucketLimits) {
    var buckets: [[Int]] = []
    var bytes = 0
    for (index, spec) in specs.enumerated() {
      let limit = buckets.count <= 1 ? limits.firstBytes : limits.otherBytes
      let isSameType = buckets.last?.last.map { specs[$0].dtype == spec.dtype } ?? false
      if !isSameType || (bytes > 0 && bytes + spec.byteCount > limit) {
        buckets.append([])
        bytes = 0
      }
      buckets[buckets.count - 1].append(index)
      bytes += spec.byteCount
    }
    if let last = buckets.popLast() { buckets += Self.split(last, specs, limits.lastBytes) }
    self.buckets = buckets
  }

  /// Takes the end off a bucket that is more than twice as long as the last one may be.
  private static func split(_ bucket: [Int], _ specs: [TensorSpec], _ limit: Int) -> [[Int]] {
    guard bucket.reduce(0, { $0 + specs[$1].byteCount }) > 2 * limit else { return [bucket] }
    var bytes = 0
    let end = bucket.reversed().prefix { index in
      bytes += specs[index].byteCount
      return bytes <= limit
    }
    let start = Array(bucket.dropLast(end.count))
    return end.isEmpty || start.isEmpty ? [bucket] : [start, end.reversed()]
  }
}
