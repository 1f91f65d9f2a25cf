import CKernels

/// Numbers in 8 bits: a quarter of the bytes.
///
/// 1,024 numbers of a gradient share a scale, 1/127 of the largest of them, and are rounded to multiples of it. What a step loses is added to
/// the next step's gradient (``GradientHook/keepsErrors``), so that the mean of what arrives over many steps is the mean of the gradients.
public struct Int8Hook: GradientHook {
  /// A hook without settings.
  public init() {}

  /// `int8`
  public var name: String { "int8" }

  /// 1,024
  public var blockLength: Int { Int(APUS_INT8_BLOCK) }

  /// 1 a number, and 4 a block.
  public func byteCount(of count: Int) -> Int { apus_int8_bytes(count) }

  /// true
  public var keepsErrors: Bool { true }

  /// Rounds; no finite number becomes infinite.
  public func encode(
    _ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawPointer
  ) -> Bool {
    if let source = numbers.baseAddress { apus_narrow_int8(source, bytes, numbers.count) }
    return true
  }

  /// Multiples of the scales.
  public func decode(
    _ bytes: UnsafeRawPointer, into numbers: UnsafeMutableBufferPointer<Float>, adds: Bool
  ) {
    guard let target = numbers.baseAddress else { return }
    apus_widen_int8(bytes, target, numbers.count, adds ? 1 : 0)
  }
}

extension GradientHook where Self == Int8Hook {
  /// A quarter of the bytes, and nothing lost in the long run.
  public static var int8: Int8Hook { Int8Hook() }
}
