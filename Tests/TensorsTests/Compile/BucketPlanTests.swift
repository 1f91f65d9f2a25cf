import Tensors
import Testing

@Suite struct BucketPlanTests {
  private func buckets(_ counts: [Int], _ limits: BucketLimits, dtypes: [DType] = []) -> [[Int]] {
    let specs = counts.enumerated().map { index, count in
      TensorSpec([count], index < dtypes.count ? dtypes[index] : .float32)
    }
    return BucketPlan(specs, limits: limits).buckets
  }

  @Test func `the first bucket has a limit of its own`() {
    let limits = BucketLimits(firstBytes: 40, otherBytes: 100)
    #expect(buckets([5, 5, 5, 10, 10, 10], limits) == [[0, 1], [2, 3, 4], [5]])
  }

  @Test func `what is larger than the limit is alone`() {
    #expect(buckets([3, 100, 3, 3], BucketLimits(bytes: 24)) == [[0], [1], [2, 3]])
    #expect(buckets([3, 100, 3, 3], BucketLimits(bytes: 0)) == [[0], [1], [2], [3]])
  }

  @Test func `the last bucket is short where it would be long`() {
    let limits = BucketLimits(firstBytes: 8, otherBytes: 400, lastBytes: 40)
    // 4 bytes an element: the last three gradients have 40.
    #expect(buckets([2, 40, 5, 3, 2, 5], limits) == [[0], [1, 2], [3, 4, 5]])
    #expect(buckets([2, 4, 5, 3, 2, 5], limits) == [[0], [1, 2, 3, 4, 5]])
    #expect(buckets([2, 40, 40], limits) == [[0], [1, 2]])
    #expect(
      buckets([40, 5], BucketLimits(firstBytes: 400, otherBytes: 400, lastBytes: 40)) == [[0], [1]])
  }

  @Test func `limits of messages grow with the ranks`() {
    let limits = [2, 4, 16, 64, 1024].map { BucketLimits.messages(ranks: $0) }
    #expect(limits.map { $0.otherBytes >> 10 } == [1024, 1024, 4096, 16384, 25600])
    #expect(Set(limits.map(\.firstBytes) + limits.map(\.lastBytes)) == [1 << 20])
  }

  @Test func `a bucket has one scalar type`() {
    let dtypes: [DType] = [.float32, .float32, .float64, .float32]
    #expect(buckets([2, 2, 2, 2], .sharedMemory, dtypes: dtypes) == [[0, 1], [2], [3]])
  }

  @Test func `nothing has no bucket, and what is empty has a place`() {
    #expect(buckets([], .sharedMemory) == [])
    #expect(buckets([0, 4, 0], .sharedMemory) == [[0, 1, 2]])
    #expect(buckets([0, 4, 0], BucketLimits(bytes: 0)) == [[0, 1], [2]])
  }
}
