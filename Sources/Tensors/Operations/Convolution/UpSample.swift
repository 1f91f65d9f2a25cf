/// How the elements between those of an image are found.
public enum Interpolation: Hashable, Sendable, Codable {
  /// Each is the nearest one.
  case nearest
  /// Each lies on the line between its two neighbours, along one axis after the other; beyond the outermost ones
  /// it is equal to them.
  case bilinear
}

/// Images `[batch, spatial axes..., channels]`, of which there are one to three, made larger.
///
/// - Parameters:
///   - x: the images; integers become float32 for `.bilinear`.
///   - size: how many elements become of one, along each axis.
///   - interpolation: what they are. The centres of old and new elements are placed as in Keras: the corners of the
///     image stay where they are.
/// - Returns: the spatial axes `size` times as long. Images without one to three spatial axes are an
///   ``EngineError/shape(operation:message:)``, a size below 1 an ``EngineError/invalidArgument(message:)``.
/// - SeeAlso: Keras, `layers.UpSampling2D`.
public func upSample(
  _ x: Tensor, size: SpatialSize = 2, interpolation: Interpolation = .nearest
) -> Tensor {
  attempt {
    let rank = try x.shape.spatialRank("upSample")
    let factors = try size.along(rank, "size", "upSample")
    guard factors.allSatisfy({ $0 >= 1 }) else {
      throw EngineError.argument("size", of: "upSample", must: "be at least 1", found: "\(factors)")
    }
    switch interpolation {
    case .nearest: return repeated(x, factors)
    case .bilinear:
      return factors.enumerated().reduce(floating(x)) { x, factor in
        interpolated(x, axis: factor.offset + 1, factor.element)
      }
    }
  }
}

/// Every element of the spatial axes several times.
private func repeated(_ x: Tensor, _ factors: [Int]) -> Tensor {
  // An axis of length 1 behind each spatial one is broadcast: one copy, by the last reshape.
  var (single, many, joined) = ([x.shape[0]], [x.shape[0]], [x.shape[0]])
  for (length, factor) in zip(x.shape.spatial, factors) {
    single += [length, 1]
    many += [length, factor]
    joined.append(length * factor)
  }
  let channels = [x.shape[-1]]
  return x.reshape(Shape(single + channels)).broadcast(to: Shape(many + channels))
    .reshape(Shape(joined + channels))
}

/// `factor` elements for each one of an axis, on lines between neighbours.
private func interpolated(_ x: Tensor, axis: Int, _ factor: Int) -> Tensor {
  let length = x.shape[axis]
  if factor == 1 || length == 0 { return x }
  let last = slice(x, axis: axis, from: length - 1)
  let following = concatenate([slice(x, axis: axis, from: 1), last], axis: axis)
  let first = slice(x, axis: axis, to: 1)
  let preceding = concatenate([first, slice(x, axis: axis, to: length - 1)], axis: axis)
  // Where the centre of each new element lies, from that of the old one.
  let offsets = (0..<factor).map { (Double($0) + 0.5) / Double(factor) - 0.5 }
  let weights = Shape([factor] + [Int](repeating: 1, count: x.rank - axis - 1))
  let back = Tensor(offsets.map { Swift.max(-$0, 0) }, shape: weights, dtype: x.dtype)
  let ahead = Tensor(offsets.map { Swift.max($0, 0) }, shape: weights, dtype: x.dtype)
  let own = Tensor(offsets.map { 1 - abs($0) }, shape: weights, dtype: x.dtype)
  func wide(_ x: Tensor) -> Tensor { x.expandDims(axis: axis + 1) }
  let y = wide(x) * own + wide(preceding) * back + wide(following) * ahead
  var shape = x.shape.dimensions
  shape[axis] *= factor
  return y.reshape(Shape(shape))
}
