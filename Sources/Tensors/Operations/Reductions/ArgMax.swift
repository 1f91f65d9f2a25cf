import CKernels

/// The position of the largest element along an axis.
package struct ArgMax: ReductionPrimitive {
  /// The kernel.
  package static var op: apus_reduce_op { APUS_ARGMAX }
  /// The one axis that is searched.
  package let axes: [Int]
  /// Whether it stays, with length 1.
  package let keepDims: Bool
  /// False: nothing has no largest element.
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
    ArgMax(axis: axes[0] + 1, keepDims: keepDims)
  }
}

/// The position (int32) of the largest element along an axis, or in row-major order of all elements
/// (the default).
///
/// The first of equals wins; the first NaN wins over numbers. An error when there are no elements.
public func argmax(_ x: Tensor, axis: Int? = nil, keepDims: Bool = false) -> Tensor {
  attempt {
    guard let axis else {
      try expectPositions(x.elementCount, "argmax")
      let flat = apply1(ArgMax(axis: 0, keepDims: false), numeric(x).reshape([-1]))
      return keepDims ? flat.reshape(Shape([Int](repeating: 1, count: x.rank))) : flat
    }
    let position = try x.shape.axis(axis, "argmax")
    try expectPositions(x.shape.dimensions[position], "argmax")
    return apply1(ArgMax(axis: position, keepDims: keepDims), numeric(x))
  }
}

/// Checks that int32, the type of positions, counts the elements of an axis.
func expectPositions(_ length: Int, _ operation: String) throws(EngineError) {
  guard length > Int(Int32.max) + 1 else { return }
  throw .shape(
    operation: operation, message: "int32 does not count \(length) positions; search in parts")
}

extension Tensor {
  /// The position (int32) of the largest element along an axis, or of all elements (the default).
  public func argmax(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.argmax(self, axis: axis, keepDims: keepDims)
  }
}
