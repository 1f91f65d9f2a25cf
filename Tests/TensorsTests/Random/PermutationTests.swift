import Tensors
import Testing

@Suite struct PermutationTests {
  @Test("a shuffle is a permutation", arguments: [0, 1, 2, 3, 10, 1000])
  func isPermutation(count: Int) {
    let order = Permutation.shuffled(count: count, seed: 42, epoch: 3)
    #expect(order.sorted() == Array(0..<Int64(count)))
  }

  @Test("a shuffle depends on seed and epoch alone")
  func depends() {
    let order = Permutation.shuffled(count: 100, seed: 1, epoch: 0)
    #expect(order == Permutation.shuffled(count: 100, seed: 1, epoch: 0))
    #expect(order != Permutation.shuffled(count: 100, seed: 1, epoch: 1))
    #expect(order != Permutation.shuffled(count: 100, seed: 2, epoch: 0))
  }

  @Test("a shuffle stays what it is from one version to the next")
  func pinned() {
    // Files of weights store seed and epoch only, so another algorithm would change resumed runs.
    // The numbers are those of the same algorithm written in Python.
    #expect(Permutation.shuffled(count: 8, seed: 0, epoch: 0) == [3, 0, 5, 4, 7, 6, 1, 2])
    #expect(Permutation.shuffled(count: 8, seed: 42, epoch: 7) == [4, 3, 0, 2, 7, 1, 6, 5])
  }

  @Test("all orders of four are equally likely")
  func unbiased() {
    var counts: [[Int64]: Int] = [:]
    let rounds = 24_000
    for seed in 0..<rounds {
      counts[Permutation.shuffled(count: 4, seed: UInt64(seed)), default: 0] += 1
    }
    #expect(counts.count == 24)
    // Chi-square with 23 degrees of freedom: above 60 has probability 4e-5.
    let expected = Double(rounds) / 24
    let chiSquare = counts.values.sorted().reduce(0.0) { sum, count in
      sum + (Double(count) - expected) * (Double(count) - expected) / expected
    }
    #expect(chiSquare < 60)
  }

  @Test("SplitMix64 gives the numbers of its reference implementation")
  func splitMix() {
    // S. Vigna, splitmix64.c, with x = 1234567.
    var generator = SplitMix64(state: 1_234_567)
    let numbers = (0..<3).map { _ in generator.next() }
    #expect(
      numbers == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
  }

  @Test(
    "bounded numbers stay below their bound", arguments: [1, 2, 3, 1000, 1 << 63 + 1] as [UInt64])
  func bounded(bound: UInt64) {
    var generator = SplitMix64(state: 5)
    #expect((0..<1000).allSatisfy { _ in generator.next(below: bound) < bound })
  }
}
