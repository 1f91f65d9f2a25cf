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

/// Which samples a validation split takes.
public enum ValidationChoice: Sendable, Hashable {
  /// The last ones, as Keras does.
  case last
  /// Randomly chosen ones, the same for the same seed.
  case random(seed: UInt64)
}

/// Splits 0 ..< `count` into samples to train on and samples to validate on.
///
/// `floor(count · (1 − fraction))` samples are for training, as in Keras, but counted exactly: 0.9 of 10 leaves 1.
///
/// - Parameters:
///   - count: the number of samples.
///   - fraction: the share of the validation samples, between 0 and 1, both excluded.
///   - choice: which ones they are.
/// - Returns: both sets of indices, each in ascending order.
/// - Throws: `EngineError.invalidArgument` for a fraction out of range, `EngineError.data` when one
///   of the parts would be empty.
public func trainValidationSplit(
  count: Int, fraction: Double, _ choice: ValidationChoice = .last
) throws(EngineError) -> (train: [Int], validation: [Int]) {
  guard fraction > 0, fraction < 1 else {
    throw .invalidArgument(
      message: "validation split: the fraction must be between 0 and 1, it is \(fraction)")
  }
  let kept = samplesLeft(of: count, holdingOut: fraction)
  guard kept > 0, kept < count else {
    throw .data(
      message: "validation split: \(count) samples cannot be split with fraction \(fraction): it "
        + "leaves \(kept) to train on and \(count - kept) to validate on; both need at least one")
  }
  switch choice {
  case .last: return (Array(0..<kept), Array(kept..<count))
  case .random(let seed):
    // An epoch that training never has, so that the split tells nothing about its orders.
    let order = Permutation.shuffled(count: count, seed: seed, epoch: -1).map { Int($0) }
    return (order[..<kept].sorted(), order[kept...].sorted())
  }
}
