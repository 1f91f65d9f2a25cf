import Tensors

/// How categories, numbers from 0, are written.
public enum CategoryOutput: String, Hashable, Sendable {
  /// As they are, in int32 (int64 for more than 2^31 categories).
  case index
  /// Each as a row with a single one: `[...]` or `[..., 1]` to `[..., count]`.
  case oneHot
  /// Each sample as a row with ones for the categories in it: `[batch, several]` to `[batch, count]`.
  case multiHot
  /// Each sample as a row with the numbers of times that categories are in it.
  case count

  /// `indices` written in this way, in float32 but for `index`.
  func encoded(_ indices: Tensor, depth: Int) -> Tensor {
    if self == .index { return indices }
    if self == .oneHot {
      let isColumn = indices.rank > 1 && indices.shape[-1] == 1
      return Engine.oneHot(isColumn ? indices.squeeze(axis: -1) : indices, depth: depth)
    }
    let counts = sum(Engine.oneHot(indices, depth: depth), axis: indices.rank > 1 ? 1 : 0)
    return self == .count ? counts : minimum(counts, 1)
  }
}
