import Tensors

/// How a file keeps tensors of float32. What is read is float32 again.
public enum StoredFloat: String, Sendable, Hashable, CaseIterable {
  /// As they are.
  case float32
  /// Rounded to IEEE 754's 16 bits: 11 bits of precision, 6·10⁻⁸ to 65504. Finite numbers beyond that are an error.
  case float16
  /// Rounded to 8 bits of precision, over the range of float32: half of its bytes.
  case bfloat16

  private var half: HalfPrecision? {
    switch self {
    case .float32: nil
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }

  /// The scalars that a file keeps of `tensor`, and their bytes.
  ///
  /// - Throws: `EngineError.data` for a finite number that the format does not hold; `name` says of what.
  func stored(
    _ tensor: Tensor, _ name: @autoclosure () -> String
  ) throws(EngineError) -> (scalar: StoredScalar, bytes: Tensor) {
    guard tensor.dtype == .float32, let half else {
      return (StoredScalar(tensor.dtype), tensor)
    }
    let (bytes, overflow) = half.narrowed(tensor)
    if let overflow {
      let number = tensor.scalars(as: Float.self)[overflow]
      throw .data(
        message: "\(name()): element \(overflow) is \(number), which \(rawValue) cannot hold; "
          + "store it as bfloat16 or float32")
    }
    return (half == .float16 ? .float16 : .bfloat16, bytes)
  }
}
