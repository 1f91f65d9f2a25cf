/// A tensor in a JSON file or the like; the tree encoder of Engine takes tensors as leaves and does not come here.
extension Tensor: Codable {
  private enum CodingKeys: String, CodingKey { case dtype, shape, scalars }

  /// Reads `dtype`, `shape` and the elements in row-major order.
  ///
  /// - Throws: `DecodingError` for a value that the type does not hold, a negative length, and another number of
  ///   elements than `shape` says.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let dtype = try container.decode(DType.self, forKey: .dtype)
    let shape = try container.decode(Shape.self, forKey: .shape)
    do throws(EngineError) { try shape.expectCountable("Tensor") } catch {
      throw DecodingError.dataCorruptedError(
        forKey: .shape, in: container, debugDescription: "\(error)")
    }
    func expectCount(_ count: Int) throws {
      guard count == shape.elementCount else {
        throw DecodingError.dataCorruptedError(
          forKey: .scalars, in: container,
          debugDescription: "\(count) scalars do not fill shape \(shape)")
      }
    }
    if dtype.isFloating {
      let scalars = try container.decode([Double].self, forKey: .scalars)
      try expectCount(scalars.count)
      self.init(scalars, shape: shape, dtype: dtype)
      return
    }
    let scalars = try container.decode([Int64].self, forKey: .scalars)
    try expectCount(scalars.count)
    if let wrong = scalars.first(where: { !dtype.integerRange.contains($0) }) {
      throw DecodingError.dataCorruptedError(
        forKey: .scalars, in: container, debugDescription: "\(wrong) does not fit \(dtype)")
    }
    self.init(scalars, shape: shape, dtype: dtype)
  }

  /// Writes `dtype`, `shape` and the elements in row-major order. Throws what `encoder` throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(dtype, forKey: .dtype)
    try container.encode(shape, forKey: .shape)
    if dtype.isFloating {
      try container.encode(scalars(as: Double.self), forKey: .scalars)
    } else {
      try container.encode(scalars(as: Int64.self), forKey: .scalars)
    }
  }
}
