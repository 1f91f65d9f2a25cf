import CKernels
import Engine

/// Finds the sizes of blocks with which this CPU multiplies fastest: what its line in `gemm_sizes.c` should be.
///
/// From the sizes in use on, one field after the other takes other values; a change stays that makes the products of
/// `apus bench gemm` faster by half a percent, on the geometric mean of one thread.
enum GEMMTuning {
  /// Sizes, and how fast they are.
  struct Report: Encodable, Sendable {
    /// A line of C.
    var sizes: String
    /// The geometric mean over the products, 10⁹ operations a second.
    var gflops: Double
    /// Of the sizes in use before.
    var gflopsBefore: Double
  }

  private typealias Change = (inout apus_gemm_sizes) -> Void

  /// Values worth trying, field by field.
  private static var changes: [Change] {
    var all: [Change] = []
    for value in [2, 3] { all.append { $0.vectors = value } }
    for value in [0, 4, 8, 12] { all.append { $0.ahead = value } }
    for value in [192, 256, 320, 384, 512] { all.append { $0.depth = value } }
    for value in [32, 64, 96, 128, 256] { all.append { $0.rows = value } }
    for value in [64, 128, 256, 512] { all.append { $0.copied_rows = value } }
    for value: Int32 in [0, 1] { all.append { $0.packs_left = value } }
    for value: Int32 in [0, 1] { all.append { $0.packs_spread = value } }
    for value: Int32 in [0, 1] { all.append { $0.flips = value } }
    for value in [96, 240, 480] { all.append { $0.columns = value } }
    return all
  }

  static func measure() throws -> Report {
    var best = apus_gemm_sizes()
    apus_gemm_get_sizes(&best)
    let before = best
    for change in changes {
      var tried = best
      change(&tried)
      if line(tried) == line(best) { continue }
      if try ratio(tried, to: best) > 1.005 { best = tried }
    }
    defer { use(before) }
    return Report(
      sizes: line(best), gflops: try speed(best).rounded(places: 1),
      gflopsBefore: try speed(before).rounded(places: 1))
  }

  /// How many times faster one is than the other, measured in turn; the fastest run of each counts.
  private static func ratio(_ a: apus_gemm_sizes, to b: apus_gemm_sizes) throws -> Double {
    let speeds = try (0..<3).map { _ in (try speed(a), try speed(b)) }
    return (speeds.map(\.0).max() ?? 0) / (speeds.map(\.1).max() ?? 1)
  }

  private static func speed(_ sizes: apus_gemm_sizes) throws -> Double {
    use(sizes)
    return try GEMMBench.measure(threads: 1).geometricMean
  }

  private static func use(_ sizes: apus_gemm_sizes) {
    withUnsafePointer(to: sizes) { apus_gemm_set_sizes($0) }
  }

  private static func line(_ sizes: apus_gemm_sizes) -> String {
    """
    {.vectors = \(sizes.vectors), .depth = \(sizes.depth), .rows = \(sizes.rows), \
    .copied_rows = \(sizes.copied_rows), .columns = \(sizes.columns), .ahead = \(sizes.ahead), \
    .packs_left = \(sizes.packs_left), .packs_spread = \(sizes.packs_spread), .flips = \(sizes.flips)}
    """
  }
}

extension GEMMTuning.Report {
  /// For a person.
  var text: String {
    """
    Sizes of blocks for this CPU (\(KernelSet.description)): \(gflops.text(1)) GFLOP/s on the geometric mean, \
    \(gflopsBefore.text(1)) with those in use
      \(sizes)
    """
  }
}
