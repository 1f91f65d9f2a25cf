import Engine
import Testing

@Suite("Sharding")
struct ShardingTests {
  @Test(
    "slices of all ranks are disjoint, in order, whole and balanced to one sample",
    arguments: [0, 1, 2, 3, 7, 64, 1000, 1001], [1, 2, 3, 4, 7, 64])
  func slicesCoverTheBatch(count: Int, size: Int) {
    var end = 5
    var lengths: [Int] = []
    for rank in 0..<size {
      let slice = Sharding.slice(start: 5, count: count, rank: rank, size: size)
      #expect(slice.lowerBound == end)
      end = slice.upperBound
      lengths.append(slice.count)
    }
    #expect(end == 5 + count)
    #expect((lengths.max() ?? 0) - (lengths.min() ?? 0) <= 1)
    #expect(lengths == lengths.sorted(by: >))
    #expect(lengths == Sharding.counts(of: count, size: size))
  }

  @Test("an example: 10 samples for 4 ranks")
  func example() {
    #expect(Sharding.counts(of: 10, size: 4) == [3, 3, 2, 2])
    #expect(Sharding.slice(start: 100, count: 10, rank: 2, size: 4) == 106..<108)
  }
}
