import CKernels

/// The running sum along an axis.
package struct CumulativeSum: Primitive {
  /// The axis, from the front.
  package let axis: Int
  /// Whether an element's own value is left out of its sum.
  package let exclusive: Bool
  /// Whether to run from the end.
  package let reverse: Bool

  /// A running sum along `axis`.
  package init(axis: Int, exclusive: Bool, reverse: Bool) {
    self.axis = axis
    self.exclusive = exclusive
    self.reverse = reverse
  }

  /// The output may lie on the input.
  package var inPlace: [InPlacePair] { [InPlacePair(output: 0, input: 0)] }

  /// The shape of the input.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectAxis(axis, inputs[0])
    guard inputs[0].dtype != .bool else {
      throw .unsupported(.bool, by: name)
    }
    return inputs
  }

  /// One call of the kernel.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    let lengths = x.shape.dimensions
    let (outer, n, inner) = (
      lengths[..<axis].reduce(1, *), lengths[axis], lengths[(axis + 1)...].reduce(1, *)
    )
    let (own, back): (Int32, Int32) = (exclusive ? 1 : 0, reverse ? 1 : 0)
    return { apus_cumsum(x.dtype.code, x.pointer, y.pointer, outer, n, inner, own, back) }
  }

  /// The running sum of `g` from the other end.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(CumulativeSum(axis: axis, exclusive: exclusive, reverse: !reverse), c.g)]
  }

  /// The running sum along the same axis.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    CumulativeSum(axis: axis + 1, exclusive: exclusive, reverse: reverse)
  }
}

/// The running sum along an axis; bool and uint8 are summed as int64.
///
/// - Parameters:
///   - axis: negative from the end.
///   - exclusive: whether an element's own value is left out of its sum.
///   - reverse: whether to run from the end.
public func cumulativeSum(
  _ x: Tensor, axis: Int, exclusive: Bool = false, reverse: Bool = false
) -> Tensor {
  attempt {
    let axis = try x.shape.axis(axis, "cumulativeSum")
    return apply1(
      CumulativeSum(axis: axis, exclusive: exclusive, reverse: reverse), countable(x))
  }
}
