import Tensors

/// Some numbers of a distribution in rising order, with the number of samples up to each: quantiles lie between them.
///
/// - SeeAlso: Keras, `layers.preprocessing.discretization`, whose rules these are.
struct Quantiles {
  private var values: [Double]
  private var cumulative: [Double]

  /// About `1 / epsilon` of the samples.
  init(_ samples: [Double], epsilon: Double) {
    let sorted = samples.sorted()
    let step = Swift.max(Double(sorted.count) * epsilon, 1)
    values = stride(from: Int(step - 1), to: sorted.count, by: Int(step)).map { sorted[$0] }
    cumulative = values.indices.map { Double($0 + 1) * step }
    compress(epsilon)
  }

  /// Where `bins` equal parts meet.
  func boundaries(bins: Int) -> [Double] {
    var parts = self
    parts.compress(1 / Double(bins))
    return Array(parts.values.prefix(bins - 1))
  }

  /// Leaves quantiles at a distance of `epsilon`, unless there are fewer.
  private mutating func compress(_ epsilon: Double) {
    guard let total = cumulative.last, Double(values.count) * epsilon >= 1 else { return }
    let shares = cumulative.map { $0 / total }
    let wanted = (0..<Int((1 / epsilon).rounded(.up))).map { epsilon + Double($0) * epsilon }
    (values, cumulative) = (
      wanted.map { Self.interpolate($0, shares, values) },
      wanted.map { Self.interpolate($0, shares, cumulative) }
    )
  }

  /// The line through points with rising `x`, level outside.
  private static func interpolate(_ position: Double, _ x: [Double], _ y: [Double]) -> Double {
    guard let upper = x.firstIndex(where: { $0 >= position }) else { return y[y.count - 1] }
    guard upper > 0 else { return y[0] }
    let share = (position - x[upper - 1]) / (x[upper] - x[upper - 1])
    return y[upper - 1] + (y[upper] - y[upper - 1]) * share
  }
}
