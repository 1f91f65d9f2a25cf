/// Numbers in 16 bits, rounded to the nearest: half of the bytes.
///
/// bfloat16 has the range of float32 and 8 bits of precision: a number is off by at most 1/512 of itself. float16 has 11 bits, is off by
/// 1/4096 at most, and ends at 65504: a larger gradient on any rank ends the step on all of them before anything is written, as an infinite one
/// does (`NonFinitePolicy`; with `.ignore` it is an error), and one below 6e-5 loses bits until it is 0 below 3e-8.
public struct HalfPrecisionHook: GradientHook {
  /// How a number is kept in 16 bits.
  public enum Format: String, Hashable, Sendable, Codable {
    /// IEEE 754's: 5 bits of exponent.
    case float16
    /// The upper half of a float32: 8 bits of exponent.
    case bfloat16
  }

  /// How numbers are kept.
  public let format: Format
  /// Whether sums travel in 16 bits as well where ranks add up a part for all, which takes four of them or more.
  public let roundsSums: Bool

  /// - Parameters:
  ///   - format: how numbers are kept.
  ///   - roundsSums: false keeps what 16 bits of a sum would lose, beside a large number a small one, for 6 bytes a number instead of 4
  ///     (float32: 8).
  public init(_ format: Format, roundsSums: Bool = false) {
    (self.format, self.roundsSums) = (format, roundsSums)
  }

  private var precision: HalfPrecision { format == .float16 ? .float16 : .bfloat16 }

  /// The format.
  public var name: String { format.rawValue }

  /// 1: each number is by itself.
  public var blockLength: Int { 1 }

  /// 2 a number.
  public func byteCount(of count: Int) -> Int { 2 * count }

  /// This hook, or nil.
  public var sumsHook: (any GradientHook)? { roundsSums ? self : nil }

  /// Rounds; false where a number was too large.
  public func encode(
    _ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawPointer
  ) -> Bool {
    guard let source = numbers.baseAddress else { return true }
    return precision.narrow(numbers.count, from: source, to: bytes)
  }

  /// Exact.
  public func decode(
    _ bytes: UnsafeRawPointer, into numbers: UnsafeMutableBufferPointer<Float>, adds: Bool
  ) {
    guard let target = numbers.baseAddress else { return }
    if adds {
      precision.add(numbers.count, from: bytes, to: target)
    } else {
      precision.widen(numbers.count, from: bytes, to: target)
    }
  }
}

extension GradientHook where Self == HalfPrecisionHook {
  /// Half of the bytes, with the range of float32.
  public static var bfloat16: HalfPrecisionHook { HalfPrecisionHook(.bfloat16) }

  /// Half of the bytes, with three bits more and a range that ends at 65504.
  public static var float16: HalfPrecisionHook { HalfPrecisionHook(.float16) }
}
