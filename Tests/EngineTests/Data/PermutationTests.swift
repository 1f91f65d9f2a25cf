import Engine
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

@Suite struct TrainValidationSplitTests {
  @Test("counts are exact where the fraction is")
  func exact() throws {
    // In decimals: what is held out of 10, 100, 1000, ... is the fraction's digits.
    for (count, digits) in [(10, 1), (100, 2), (1000, 3), (1_000_000, 6)] {
      for held in [1, 2, 3, 4, 6, 7, 8, 9, 10, 33, 57, 58, 70, 90, 99].filter({ $0 < count }) {
        let zeros = String(repeating: "0", count: digits - "\(held)".count)
        let fraction = try #require(Double("0.\(zeros)\(held)"))
        let split = try trainValidationSplit(count: count, fraction: fraction)
        #expect(split.validation.count == held, "\(fraction) of \(count)")
      }
    }
    #expect(try trainValidationSplit(count: 9, fraction: 1.0 / 3).validation.count == 3)
    #expect(try trainValidationSplit(count: 6, fraction: 5.0 / 6).validation.count == 5)
    // A part of a sample is trained on by nobody: floor(7 · 0.75) = 5, floor(10 · 0.65) = 6.
    #expect(try trainValidationSplit(count: 7, fraction: 0.25).train.count == 5)
    #expect(try trainValidationSplit(count: 10, fraction: 0.35).train.count == 6)
  }

  @Test("the last part is floor(count · (1 − fraction)) from the start, as in Keras")
  func last() throws {
    let (train, validation) = try trainValidationSplit(count: 10, fraction: 0.25)
    #expect(train == Array(0..<7))
    #expect(validation == Array(7..<10))
  }

  @Test("a random part is disjoint from the rest, complete, and the same for one seed")
  func random() throws {
    let (train, validation) = try trainValidationSplit(
      count: 100, fraction: 0.2, .random(seed: 9))
    #expect(train.count == 80)
    #expect((train + validation).sorted() == Array(0..<100))
    #expect(train == train.sorted() && validation == validation.sorted())
    #expect(validation != Array(80..<100))
    #expect(try trainValidationSplit(count: 100, fraction: 0.2, .random(seed: 9)).train == train)
    #expect(try trainValidationSplit(count: 100, fraction: 0.2, .random(seed: 8)).train != train)
  }

  @Test(
    "a fraction out of range or an empty part is refused",
    arguments: [(10, 0.0), (10, 1), (10, -0.1), (10, .nan), (1, 0.5), (0, 0.5), (10, 0.95)])
  func refused(count: Int, fraction: Double) {
    #expect(throws: EngineError.self) {
      try trainValidationSplit(count: count, fraction: fraction)
    }
  }
}
