import CKernels

/// Whether all elements are true along axes.
package struct AllTrue: ReductionPrimitive {
  /// The kernel.
  package static var op: apus_reduce_op { APUS_ALL }
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
    AllTrue(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

/// bool: whether all elements are true, or not zero, along one axis, several, or all (the default);
/// true for nothing.
///
/// Parameters as for ``sum(_:axis:axes:keepDims:)``.
public func all(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(axis, axes, "all")
    return apply1(AllTrue(axes: axes, keepDims: keepDims), truth(x))
  }
}

extension Tensor {
  /// bool: whether all elements are true along one axis, several, or all (the default).
  public func all(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.all(self, axis: axis, axes: axes, keepDims: keepDims)
  }
}
