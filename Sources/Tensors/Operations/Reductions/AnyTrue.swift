import CKernels

/// Whether any element is true along axes.
package struct AnyTrue: ReductionPrimitive {
  /// The kernel.
  package static var op: apus_reduce_op { APUS_ANY }
  /// The axes that are folded.
  package let axes: [Int]
  /// Whether they stay, with length 1.
  package let keepDims: Bool

  /// A test along `axes` (from the front, ascending, each once).
  package init(axes: [Int], keepDims: Bool) {
    self.axes = axes
    self.keepDims = keepDims
  }

  /// bool
  package func outputType(_ input: DType) -> DType { .bool }

  /// None: the output is bool.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }

  /// The test along the same axes.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    AnyTrue(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

/// bool: whether any element is true, or not zero, along one axis, several, or all (the default);
/// false for nothing.
///
/// Parameters as for ``sum(_:axis:axes:keepDims:)``.
public func any(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(axis, axes, "any")
    return apply1(AnyTrue(axes: axes, keepDims: keepDims), truth(x))
  }
}

extension Tensor {
  /// bool: whether any element is true along one axis, several, or all (the default).
  public func any(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.any(self, axis: axis, axes: axes, keepDims: keepDims)
  }
}
