/// A small generator of 64-bit numbers, the same on every platform.
///
/// - SeeAlso: Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014.
package struct SplitMix64: RandomNumberGenerator {
  /// 2⁶⁴ divided by the golden ratio, made odd.
  package static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

  private var state: UInt64

  /// A generator at `state`; every value is a good one.
  package init(state: UInt64) { self.state = state }

  /// The next number, evenly distributed over all 64 bits.
  package mutating func next() -> UInt64 {
    state &+= Self.increment
    return Self.mixed(state)
  }

  /// A number in 0 ..< `bound`, all equally likely.
  ///
  /// - SeeAlso: D. Lemire, *Fast Random Integer Generation in an Interval*, 2019, algorithm 5.
  package mutating func next(below bound: UInt64) -> UInt64 {
    guard bound > 0 else { fatalError("SplitMix64.next(below:): the bound must be positive") }
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let threshold = (0 &- bound) % bound
      while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
    }
    return product.high
  }

  /// `value` with all its bits mixed: variant 13 of Stafford's finalisers.
  package static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
