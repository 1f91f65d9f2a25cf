/// How a batch is cut for the ranks: contiguous slices in the order of ranks, balanced to one sample.
///
/// The slices of all ranks are disjoint and together are the whole range, in order. With `count`
/// samples and `size` ranks, the first `count mod size` ranks have one sample more than the others,
/// so a rank has none only when there are fewer samples than ranks.
public enum Sharding {
  /// The part of the samples `start ..< start + count` that `rank` takes.
  ///
  /// `count >= 0`, `size >= 1` and `0 <= rank < size`, else it fails as ``withErrors(_:)`` describes.
  public static func slice(start: Int = 0, count: Int, rank: Int, size: Int) -> Range<Int> {
    guard count >= 0, size >= 1, rank >= 0, rank < size else {
      fail(
        EngineError.invalidArgument(
          message: "Sharding.slice: \(count) samples for rank \(rank) of \(size): the count must "
            + "be 0 or more, and the rank from 0 to below the size"))
      return start..<start
    }
    let (share, longer) = count.quotientAndRemainder(dividingBy: size)
    let lower = start + rank * share + Swift.min(rank, longer)
    return lower..<(lower + share + (rank < longer ? 1 : 0))
  }

  /// How many of `count` samples each of `size` ranks takes.
  ///
  /// `count >= 0` and `size >= 1`, else it fails as ``withErrors(_:)`` describes.
  public static func counts(of count: Int, size: Int) -> [Int] {
    (0..<max(size, 1)).map { slice(count: count, rank: $0, size: size).count }
  }
}
