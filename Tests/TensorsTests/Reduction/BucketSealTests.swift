import Tensors
import Testing

/// Ranks' seals are added as their gradients are: every rank must see whether all were the same.
@Suite struct BucketSealTests {
  static let types: [DType] = [.float32, .float64, .int32, .int64]

  /// What each rank reads of the sum of all seals.
  private func read(
    _ ranks: [(hash: UInt64, isFinite: Bool)], _ dtype: DType
  ) -> [(isSame: Bool, notFinite: Double)] {
    let bytes = BucketSeal.count * dtype.size
    let sum = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    let seal = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    defer {
      sum.deallocate()
      seal.deallocate()
    }
    for (number, rank) in ranks.enumerated() {
      BucketSeal.write(hash: rank.hash, isFinite: rank.isFinite, to: seal, dtype)
      if number == 0 {
        sum.copyMemory(from: seal, byteCount: bytes)
      } else {
        combine(seal, into: sum, count: BucketSeal.count, dtype: dtype, operation: .sum)
      }
    }
    return ranks.map { BucketSeal.read(hash: $0.hash, size: ranks.count, from: sum, dtype) }
  }

  @Test("equal seals are found equal on every rank", arguments: types, [1, 2, 3, 64, 2900])
  func equal(dtype: DType, size: Int) {
    for hash: UInt64 in [0, 1, 0x3fff_ffff, .max, 0x0123_4567_89ab_cdef] {
      let found = read([(UInt64, Bool)](repeating: (hash, true), count: size), dtype)
      #expect(found.allSatisfy { $0.isSame && $0.notFinite == 0 })
    }
  }

  @Test("one other seal is seen by every rank", arguments: types, [2, 3, 5, 64])
  func different(dtype: DType, size: Int) {
    // One bit of the 30 that count, in either direction.
    for bit: UInt64 in 0..<30 {
      for odd in [0, size - 1] {
        let hash: UInt64 = 0x1555_5555
        let ranks = (0..<size).map { (hash: $0 == odd ? hash ^ 1 << bit : hash, isFinite: true) }
        #expect(read(ranks, dtype).allSatisfy { !$0.isSame }, "bit \(bit) of rank \(odd)")
      }
    }
  }

  @Test("a rank whose seal is the mean of all sees the difference too", arguments: types)
  func mean(dtype: DType) {
    let found = read([(1, true), (2, true), (3, true)], dtype)
    #expect(found.map(\.isSame) == [false, false, false])
  }

  @Test("ranks with something that is not finite are counted", arguments: types)
  func notFinite(dtype: DType) {
    let found = read([(7, true), (7, false), (7, true), (7, false)], dtype)
    #expect(found.allSatisfy { $0.isSame && $0.notFinite == 2 })
  }

  @Test("bytes carry none", arguments: [DType.uint8, .bool])
  func bytes(dtype: DType) { #expect(!BucketSeal.isUsed(dtype)) }
}
