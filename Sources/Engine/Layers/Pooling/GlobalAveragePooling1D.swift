import Tensors

/// The mean of each channel of sequences: `[batch, steps, channels]` to `[batch, channels]`.
///
/// Where a mask says which steps count, the others are left out.
///
/// - SeeAlso: Lin, Chen, Yan, *Network in Network* (2014), §3.2; Keras, `layers.GlobalAveragePooling1D`.
public final class GlobalAveragePooling1D: BaseGlobalAveragePooling {
  /// A layer; with `keepDims` the steps stay as an axis of length 1.
  public init(keepDims: Bool = false, name: String? = nil) {
    super.init(rank: 1, keepDims: keepDims, name: name)
  }
}

extension GlobalAveragePooling1D: TakesMask {
  /// The mean over the steps that count; zeros for a sequence without any.
  func call(_ x: Tensor, mask: Tensor) throws -> Structure {
    .tensor(enter { masked(x, mask) })
  }

  private func masked(_ x: Tensor, _ mask: Tensor) -> Tensor {
    guard x.rank == 3, mask.shape == [x.shape[0], x.shape[1]] else {
      return wrongInput(x, expected: "sequences [batch, steps, channels] of a mask \(mask.shape)")
    }
    let x = floating(x)
    let counts = mask.cast(to: .bool).expandDims(axis: 2)
    let kept = select(counts, x, 0)
    let steps = sum(counts.cast(to: x.dtype), axis: 1, keepDims: keepDims)
    return sum(kept, axis: 1, keepDims: keepDims) / maximum(steps, 1)
  }
}
