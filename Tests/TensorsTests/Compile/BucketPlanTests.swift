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

  @Test func `a bucket has one scalar type`() {
    let dtypes: [DType] = [.float32, .float32, .float64, .float32]
    #expect(buckets([2, 2, 2, 2], .standard, dtypes: dtypes) == [[0, 1], [2], [3]])
  }

  @Test func `nothing has no bucket, and what is empty has a place`() {
    #expect(buckets([], .standard) == [])
    #expect(buckets([0, 4, 0], .standard) == [[0, 1, 2]])
    #expect(buckets([0, 4, 0], BucketLimits(bytes: 0)) == [[0, 1], [2]])
  }
}
