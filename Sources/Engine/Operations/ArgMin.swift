import CKernels

/// The position of the smallest element along an axis.
public struct ArgMin: ReductionPrimitive {
  /// The kernel.
  public static var op: apus_reduce_op { APUS_ARGMIN }
  /// The one axis that is searched.
  public let axes: [Int]
  /// Whether it stays, with length 1.
  public let keepDims: Bool
  /// False: nothing has no smallest element.
  public var hasIdentity: Bool { false }

  /// A search along `axis` (from the front).
  public init(axis: Int, keepDims: Bool) {
    axes = [axis]
    self.keepDims = keepDims
  }

  /// int32
  public func outputType(_ input: DType) -> DType { .int32 }

  /// None: the output is an integer.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// The position (int32) of the smallest element along an axis, or in row-major order of all
/// elements (the default).
///
/// The first of equals wins; the first NaN wins over numbers. An error when there are no elements.
public func argmin(_ x: Tensor, axis: Int? = nil, keepDims: Bool = false) -> Tensor {
  attempt {
    guard let axis else {
      try expectPositions(x.elementCount, "argmin")
      let flat = apply1(ArgMin(axis: 0, keepDims: false), numeric(x).reshape([-1]))
      return keepDims ? flat.reshape(Shape([Int](repeating: 1, count: x.rank))) : flat
    }
    let position = try x.shape.axis(axis, "argmin")
    try expectPositions(x.shape.dimensions[position], "argmin")
    return apply1(ArgMin(axis: position, keepDims: keepDims), numeric(x))
  }
}

extension Tensor {
  /// The position (int32) of the smallest element along an axis, or of all elements (the default).
  public func argmin(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    Engine.argmin(self, axis: axis, keepDims: keepDims)
  }
}
