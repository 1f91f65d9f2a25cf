/// 1 at the position of each index along a new last axis, 0 elsewhere.
///
/// An index outside `0 ..< depth` gives a row of zeros, as in Keras.
///
/// - Parameters:
///   - indices: whole numbers of any shape. A fraction or NaN fails with ``EngineError/index(operation:message:)`` when
///     the operation runs.
///   - depth: the length of the new axis.
///   - dtype: the type of the result; float32 by default.
/// - Returns: the shape of the indices with an axis of length `depth` behind it. A depth below 0 is an
///   ``EngineError/invalidArgument(message:)``.
public func oneHot(_ indices: Tensor, depth: Int, dtype: DType = .float32) -> Tensor {
  attempt {
    guard depth >= 0 else {
      throw EngineError.argument("depth", of: "oneHot", must: "not be negative", found: "\(depth)")
    }
    let classes = Tensor.arange(depth, dtype: .int32)
    let indices =
      indices.dtype.isFloating
      ? apply1(CheckIndices(in: DType.int64.integerRange, "oneHot"), indices) : indices
    return (indices.expandDims(axis: -1) .== classes).cast(to: dtype)
  }
}
