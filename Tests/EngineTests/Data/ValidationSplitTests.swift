import Engine
import Testing

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
