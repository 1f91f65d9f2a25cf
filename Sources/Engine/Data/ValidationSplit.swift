import Tensors

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

/// How many of `count` samples are left when the part `fraction` is held out: `floor(count · (1 − fraction))` of the
/// fraction that is meant.
///
/// In binary 1 − 0.9 is a little less than 0.1, and of 10 samples none would be left. A product that is off a whole number
/// by no more than the rounding of its factors is that number.
func samplesLeft(of count: Int, holdingOut fraction: Double) -> Int {
  let product = Double(max(count, 0)) * (1 - fraction)
  let whole = product.rounded()
  // 1 − fraction is off by at most 2⁻⁵³ (both terms' rounding), the product by half a unit of its last place.
  let error = Double(count) * 0x1p-52
  return Int(abs(product - whole) <= error ? whole : product.rounded(.down))
}
