/// How gradients become bytes on their way to the other ranks: to send fewer.
///
/// A hook of ``BucketedAllReduce`` encodes the numbers of a bucket, the ranks exchange bytes, and each decodes those of all ranks, in the order of
/// ranks, into a sum of float32. What travels is rounded, what is added is not, and all ranks end with the same bits. (What wants to decide
/// about messages too is a ``GradientReduction``.)
///
/// Of two ways the one with fewer bytes is taken, which depends on sizes alone: every rank sends all it has to all others, or, with
/// many ranks, each adds up a part for all and sends the sums back (``sumsHook``).
///
/// It is for float32 gradients of 64 numbers and more; others, and what ranks tell each other with them, travel as they are. Where the ranks reach
/// each other's memory nothing travels and no hook is asked, unless `APUS_ALLREDUCE=mpi` says so.
///
/// ```swift
/// try withStrategy(.mpi, gradientReduction: BucketedAllReduce(hook: .bfloat16)) { ... }
/// ```
///
/// Ranks compare the stored properties of hooks as they compare all settings.
///
/// - SeeAlso: PyTorch, *DDP Communication Hooks*.
public protocol GradientHook: Sendable {
  /// What messages and `apus inspect plan` call it.
  var name: String { get }

  /// A gradient is cut at multiples of so many numbers only, at least 1: what a hook writes for a block must depend on that block alone.
  var blockLength: Int { get }

  /// How many bytes `count` numbers become.
  func byteCount(of count: Int) -> Int

  /// Writes numbers as ``byteCount(of:)`` bytes, which need not be aligned.
  ///
  /// A number that is infinite or NaN must not become a finite one.
  ///
  /// - Returns: false where a finite number became an infinite one, which ends the step on all ranks as an infinite gradient does.
  func encode(_ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawPointer) -> Bool

  /// Reads what ``encode(_:into:)`` wrote, the same on every rank and at every time.
  ///
  /// - Parameters:
  ///   - bytes: what any rank wrote; need not be aligned.
  ///   - numbers: as many as were written.
  ///   - adds: whether to add to `numbers` instead of replacing them.
  func decode(
    _ bytes: UnsafeRawPointer, into numbers: UnsafeMutableBufferPointer<Float>, adds: Bool)

  /// How sums travel back where each rank adds up a part for all; nil, unless given, for float32, which loses nothing.
  var sumsHook: (any GradientHook)? { get }

  /// Whether what was lost in a step of `Model` is added to the rank's next gradient (error feedback), so that in the long run nothing is;
  /// false, unless given. The optimizer keeps it, as `gradient_error`, in the states of a training too.
  ///
  /// - SeeAlso: Seide et al., *1-Bit Stochastic Gradient Descent* (2014); Karimireddy et al., *Error Feedback Fixes SignSGD* (2019).
  var keepsErrors: Bool { get }
}

extension GradientHook {
  /// nil: float32.
  public var sumsHook: (any GradientHook)? { nil }

  /// false: what was lost is lost.
  public var keepsErrors: Bool { false }
}

/// Numbers as they are: what a hook costs that does nothing.
public struct PlainHook: GradientHook {
  /// A hook without settings.
  public init() {}

  /// `float32`
  public var name: String { "float32" }

  /// 1
  public var blockLength: Int { 1 }

  /// 4 a number.
  public func byteCount(of count: Int) -> Int { 4 * count }

  /// Copies.
  public func encode(
    _ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawPointer
  ) -> Bool {
    if let source = numbers.baseAddress {
      bytes.copyMemory(from: source, byteCount: 4 * numbers.count)
    }
    return true
  }

  /// Copies, or adds.
  public func decode(
    _ bytes: UnsafeRawPointer, into numbers: UnsafeMutableBufferPointer<Float>, adds: Bool
  ) {
    guard let target = UnsafeMutableRawPointer(numbers.baseAddress) else { return }
    if adds {
      combine(bytes, into: target, count: numbers.count, dtype: .float32, operation: .sum)
    } else {
      target.copyMemory(from: bytes, byteCount: 4 * numbers.count)
    }
  }
}
