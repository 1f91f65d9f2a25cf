import Tensors

extension AnyModule {
  /// A key for noise of this shape on `x`: where it is one for all samples, it does not belong to this rank's rows.
  func nextKey(for noiseShape: Shape?, on x: Tensor) -> Tensor {
    let key = nextKey()
    guard let noiseShape, !key.isInvalid, noiseShape.rank < x.rank || noiseShape.first == 1 else {
      return key
    }
    return key[0..<2]
  }
}
