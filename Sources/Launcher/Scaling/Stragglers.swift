import Foundation

/// Ranks that compute at different speeds: every sum waits for the slowest.
package struct Stragglers: Sendable {
  private let jitter: Double
  private let seed: UInt64

  /// - Parameters:
  ///   - jitter: the standard deviation of the time of kernels among ranks, as a share of it.
  ///   - seed: of the ranks' numbers.
  package init(jitter: Double, seed: UInt64) { (self.jitter, self.seed) = (jitter, seed) }

  /// How many times as long the slowest of `ranks` takes as one without any jitter, at least 1: `1 + jitter · max |z|` over normal numbers `z`.
  ///
  /// More ranks have the same numbers and some more, so that the factor never falls.
  package func slowest(of ranks: Int) -> Double {
    guard jitter > 0 else { return 1 }
    var state = seed
    var largest = 0.0
    for _ in 0..<ranks {
      let radius = (-2 * log(1 - Self.uniform(&state))).squareRoot()
      largest = max(largest, abs(radius * cos(2 * .pi * Self.uniform(&state))))
    }
    return 1 + jitter * largest
  }

  /// In [0, 1), by SplitMix64 (Steele, Lea, Flood 2014).
  private static func uniform(_ state: inout UInt64) -> Double {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
  }
}
