/// How large the messages are in which gradients are added over ranks.
///
/// A small first message lets communication start early in the backward pass; large ones after it cost less in all (Li et
/// al., *PyTorch Distributed*, VLDB 2020, §3.2). Gradients lie in a bucket in the order in which they are ready, and one that
/// is larger than the limit has a bucket of its own.
public struct BucketLimits: Hashable, Sendable, Codable {
  /// Bytes of the first bucket.
  public let firstBytes: Int
  /// Bytes of every other bucket.
  public let otherBytes: Int

  /// 1 MiB, then 25 MiB.
  public static let standard = BucketLimits(firstBytes: 1 << 20, otherBytes: 25 << 20)

  /// Limits in bytes; 0 gives every gradient a bucket of its own.
  public init(firstBytes: Int, otherBytes: Int) {
    self.firstBytes = max(firstBytes, 0)
    self.otherBytes = max(otherBytes, 0)
  }

  /// One limit for all buckets.
  public init(bytes: Int) { self.init(firstBytes: bytes, otherBytes: bytes) }
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
    self.buckets = buckets
  }
}
