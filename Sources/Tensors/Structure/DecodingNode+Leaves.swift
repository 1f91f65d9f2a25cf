extension DecodingNode {
  /// The value when `T` is one that `Codable` is not asked about; nil when it is.
  func leaf<T>(_ type: T.Type) throws -> T? {
    switch type {
    case is Tensor.Type: try tensor() as? T
    case is Structure.Type: structure as? T
    case is RandomKey.Type: try randomKey() as? T
    case is Bool.Type: try bool() as? T
    case is String.Type: try string() as? T
    case let number as any BinaryFloatingPoint.Type: try floating(number) as? T
    case let number as any FixedWidthInteger.Type: try integer(number) as? T
    default: nil
    }
  }

  private func tensor() throws -> Tensor {
    switch structure {
    case .tensor(let tensor): return tensor
    case .constant(.bool(let value)): return Tensor(value)
    case .constant(.int(let value)): return Tensor(value)
    case .constant(.double(let value)): return Tensor(value)
    case .list, .dictionary, .constant(.string), .none: throw mismatch(wanted: "one tensor")
    }
  }

  private func randomKey() throws -> RandomKey {
    guard let key = RandomKey(try tensor()) else {
      throw mismatch(wanted: "a key (int64 [2])")
    }
    return key
  }

  private func bool() throws -> Bool {
    switch structure {
    case .constant(.bool(let value)): return value
    case .tensor(let tensor) where tensor.dtype == .bool: return try only(tensor, "a boolean")
    default: throw mismatch(wanted: "a boolean")
    }
  }

  private func string() throws -> String {
    guard case .constant(.string(let value)) = structure else { throw mismatch(wanted: "a string") }
    return value
  }

  private func floating<F: BinaryFloatingPoint>(_ type: F.Type) throws -> F {
    switch structure {
    case .constant(.double(let value)): return F(value)
    case .constant(.int(let value)): return F(value)
    case .tensor(let tensor) where tensor.dtype != .bool:
      return F(try only(tensor, "a number") as Double)
    default: throw mismatch(wanted: "a number")
    }
  }

  private func integer<I: FixedWidthInteger>(_ type: I.Type) throws -> I {
    var value: I?
    switch structure {
    case .constant(.int(let int)): value = I(exactly: int)
    case .constant(.double(let double)): value = I(exactly: double)
    case .tensor(let tensor) where tensor.dtype.isFloating:
      value = I(exactly: try only(tensor, "a whole number") as Double)
    case .tensor(let tensor) where tensor.dtype != .bool:
      value = I(exactly: try only(tensor, "a whole number") as Int64)
    default: break
    }
    guard let value else { throw mismatch(wanted: "a whole number (\(I.self))") }
    return value
  }

  /// The only element of `tensor`.
  private func only<S: TensorScalar>(_ tensor: Tensor, _ wanted: ErrorText) throws -> S {
    guard tensor.elementCount == 1 else { throw mismatch(wanted: wanted) }
    guard !tensor.isTraced, let value = tensor.scalars(as: S.self).first else {
      throw mismatch(wanted: "\(wanted) now: it has no value while operations are recorded")
    }
    return value
  }
}
