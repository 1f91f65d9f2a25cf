import Foundation

/// Round numbers along an axis: multiples of 1, 2 or 5 times a power of ten.
struct RoundTicks {
  /// The ticks, in increasing order; the axis reaches from the first to the last one.
  let values: [Double]
  /// From one tick to the next.
  let step: Double

  /// Ticks around the finite numbers `low` to `high`, some `count` of them; with `isWhole` they are whole numbers.
  init(from low: Double, to high: Double, count: Int, isWhole: Bool = false) {
    // A range that is no wider than what numbers of this size can tell apart is widened.
    let size = max(abs(low), abs(high))
    let isPoint = high - low <= size * 1e-9
    let half = isPoint ? (size > 0 ? size * 0.05 : 0.5) : 0
    let (low, high) = (low - half, high + half)
    let rough = (high - low) / Double(max(1, count))
    let power = pow(10, floor(log10(rough)))
    var step = [1, 2, 5].map { $0 * power }.first { $0 >= rough * (1 - 1e-9) } ?? 10 * power
    if isWhole { step = max(1, step.rounded()) }
    let first = (low / step + 1e-6).rounded(.down)
    let last = max(first + 1, (high / step - 1e-6).rounded(.up))
    self.step = step
    // Multiplying, not adding up: 0.3 is 3 · 0.1 rounded once.
    values = (0...Int(last - first)).map { (first + Double($0)) * step }
  }

  /// The tick as text, with as many digits as its step has.
  func text(_ value: Double) -> String {
    if value == 0 { return "0" }
    let exponent = Int(floor(log10(step) + 1e-9))
    let largest = values.map(abs).max() ?? 0
    if largest >= 1e6 || largest < 1e-3 {
      let digits = max(0, Int(floor(log10(abs(value)) + 1e-9)) - exponent)
      return String(format: "%.\(digits)e", value)
    }
    return ProgressFormat.fixed(value, digits: max(0, -exponent))
  }
}
