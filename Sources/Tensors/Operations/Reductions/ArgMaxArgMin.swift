import CKernels

/// The position (int32) of the largest or smallest element along one axis.
protocol PositionReduction: ReductionPrimitive, NonDifferentiable {}

extension PositionReduction {
  /// False: nothing has no largest element.
  var hasIdentity: Bool { false }

  /// int32
  func outputType(_ input: DType) -> DType { .int32 }
}

struct ArgMax: PositionReduction {
  static var op: apus_reduce_op { APUS_ARGMAX }
  let axes: [Int]
  let keepDims: Bool
}

struct ArgMin: PositionReduction {
  static var op: apus_reduce_op { APUS_ARGMIN }
  let axes: [Int]
  let keepDims: Bool
}

/// The position (int32) of the largest element along an axis, or in row-major order of all elements.
///
/// The first of equals wins; the first NaN wins over numbers.
///
/// - Parameters:
///   - x: of any shape with elements; bool becomes int32.
///   - axis: negative from the end; nil (the default) for all elements.
///   - keepDims: whether the axis stays, or all do, with length 1.
/// - Returns: the shape of `x` without the axis. An axis that does not exist, no elements, or more than int32 counts, are
///   an ``EngineError/shape(operation:message:)``.
public func argmax(_ x: Tensor, axis: Int? = nil, keepDims: Bool = false) -> Tensor {
  position(in: x, axis, keepDims, "argmax", by: ArgMax.self)
}

/// The position (int32) of the smallest element along an axis, or in row-major order of all elements; all else as for
/// ``argmax(_:axis:keepDims:)``.
public func argmin(_ x: Tensor, axis: Int? = nil, keepDims: Bool = false) -> Tensor {
  position(in: x, axis, keepDims, "argmin", by: ArgMin.self)
}

private func position<R: PositionReduction>(
  in x: Tensor, _ axis: Int?, _ keepDims: Bool, _ operation: String, by _: R.Type
) -> Tensor {
  attempt {
    guard let axis else {
      try expectPositions(x.elementCount, operation)
      let flat = apply1(R(axes: [0], keepDims: false), numeric(x).reshape([-1]))
      return keepDims ? flat.reshape(Shape([Int](repeating: 1, count: x.rank))) : flat
    }
    let position = try x.shape.axis(axis, operation)
    try expectPositions(x.shape.dimensions[position], operation)
    return apply1(R(axes: [position], keepDims: keepDims), numeric(x))
  }
}

/// Checks that int32, the type of positions, counts the elements of an axis.
func expectPositions(_ length: Int, _ operation: String) throws(EngineError) {
  guard length > Int(Int32.max) + 1 else { return }
  throw .shape(
    operation: operation, message: "int32 does not count \(length) positions; search in parts")
}

extension Tensor {
  /// The position (int32) of the largest element along an axis, or of all elements (the default); see
  /// ``argmax(_:axis:keepDims:)``.
  public func argmax(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.argmax(self, axis: axis, keepDims: keepDims)
  }

  /// The position (int32) of the smallest element along an axis, or of all elements (the default); see
  /// ``argmin(_:axis:keepDims:)``.
  public func argmin(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.argmin(self, axis: axis, keepDims: keepDims)
  }
}
