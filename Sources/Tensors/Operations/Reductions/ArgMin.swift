import CKernels

/// The position of the smallest element along an axis.
package struct ArgMin: ReductionPrimitive {
  /// The kernel.
  package static var op: apus_reduce_op { APUS_ARGMIN }
  /// The one axis that is searched.
  package let axes: [Int]
  /// Whether it stays, with length 1.
  package let keepDims: Bool
  /// False: nothing has no smallest element.
  package var hasIdentity: Bool { false }

  /// A search along `axis` (from the front).
  package init(axis: Int, keepDims: Bool) {
    axes = [axis]
    self.keepDims = keepDims
  }

  /// int32
  package func outputType(_ input: DType) -> DType { .int32 }

  /// None: the output is an integer.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }

  /// The search along the same axis.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ArgMin(axis: axes[0] + 1, keepDims: keepDims)
  }
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
    Tensors.argmin(self, axis: axis, keepDims: keepDims)
  }
}
