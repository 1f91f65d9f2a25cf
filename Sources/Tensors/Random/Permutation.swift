/// Orders of samples that depend on a seed and an epoch and on nothing else.
public enum Permutation {
  /// The numbers 0 ..< `count` in random order: the same on every rank, platform and Swift version.
  ///
  /// Every order is equally likely (up to the generator's 2⁶⁴ states): Fisher and Yates' shuffle,
  /// with Lemire's unbiased bounded numbers, over SplitMix64. The standard library's `shuffle` is not
  /// used because it may change its algorithm.
  ///
  /// - Parameters:
  ///   - count: how many numbers, at least 0.
  ///   - seed: the run's seed.
  ///   - epoch: the epoch, so that each has an order of its own.
  /// - Returns: positions as the kernels that gather rows take them.
  /// - Complexity: O(`count`).
  public static func shuffled(count: Int, seed: UInt64, epoch: Int = 0) -> [Int64] {
    guard count >= 0 else {
      fail(
        EngineError.invalidArgument(
          message: "Permutation.shuffled: the count must be at least 0, it is \(count)"))
      return []
    }
    // Mixed twice, so that neither seed + 1 nor epoch + 1 continues another's sequence.
    let mixedSeed = SplitMix64.mixed(seed &+ SplitMix64.increment)
    var generator = SplitMix64(
      state: SplitMix64.mixed(mixedSeed ^ UInt64(bitPattern: Int64(epoch))))
    var order = Array(0..<Int64(count))
    var last = count - 1
    while last > 0 {
      order.swapAt(last, Int(generator.next(below: UInt64(last) + 1)))
      last -= 1
    }
    return order
  }
}
