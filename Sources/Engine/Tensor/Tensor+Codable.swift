/// A tensor in a JSON file or the like; the tree encoder of Engine takes tensors as leaves and does not come here.
extension Tensor: Codable {
  private enum CodingKeys: String, CodingKey { case dtype, shape, scalars }

  /// Reads `dtype`, `shape` and the elements in row-major order.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let dtype = try container.decode(DType.self, forKey: .dtype)
    let shape = try container.decode(Shape.self, forKey: .shape)
    let scalars = try container.decode([Double].self, forKey: .scalars)
    guard scalars.count == shape.elementCount else {
      throw DecodingError.dataCorruptedError(
        forKey: .scalars, in: container,
        debugDescription: "\(scalars.count) scalars do not fill shape \(shape)")
    }
    self.init(scalars, shape: shape, dtype: dtype)
  }

  /// Writes `dtype`, `shape` and the elements in row-major order.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(dtype, forKey: .dtype)
    try container.encode(shape, forKey: .shape)
    try container.encode(scalars(as: Double.self), forKey: .scalars)
  }
}
