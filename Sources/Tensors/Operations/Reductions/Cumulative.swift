import CKernels

struct CumulativeSum: Primitive {
  /// The axis, from the front.
  let axis: Int
  /// Whether an element's own value is left out of its sum.
  let exclusive: Bool
  /// Whether to run from the end.
  let reverse: Bool

  /// The output may lie on the input.
  var inPlace: [InPlacePair] { [InPlacePair(output: 0, input: 0)] }

  /// The shape of the input.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectAxis(axis, inputs[0])
    try expectNumeric(inputs[0])
    return inputs
  }

  /// One call of the kernel.
  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    let (outer, n, inner) = x.shape.parts(around: axis)
    let (own, back): (Int32, Int32) = (exclusive ? 1 : 0, reverse ? 1 : 0)
    return { apus_cumsum(x.dtype.code, x.pointer, y.pointer, outer, n, inner, own, back) }
  }

  /// The running sum of `g` from the other end.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(CumulativeSum(axis: axis, exclusive: exclusive, reverse: !reverse), c.g)]
  }

  /// The running sum along the same axis.
  func withExampleAxis(_ count: Int) -> (any Primitive)? {
    CumulativeSum(axis: axis + 1, exclusive: exclusive, reverse: reverse)
  }
}

/// The running sum along an axis; bool and uint8 are summed as int64.
///
/// - Parameters:
///   - x: of any shape with an axis.
///   - axis: negative from the end.
///   - exclusive: whether an element's own value is left out of its sum.
///   - reverse: whether to run from the end.
/// - Returns: of the shape of `x`. An axis that does not exist is an ``EngineError/shape(operation:message:)``.
public func cumulativeSum(
  _ x: Tensor, axis: Int, exclusive: Bool = false, reverse: Bool = false
) -> Tensor {
  attempt {
    let axis = try x.shape.axis(axis, "cumulativeSum")
    return apply1(
      CumulativeSum(axis: axis, exclusive: exclusive, reverse: reverse), countable(x))
  }
}

/// The running product along an axis; bool and uint8 are multiplied as int64. By multiplication only, so that zeros are no
/// special case for the gradient. Parameters, shape and errors as for ``cumulativeSum(_:axis:exclusive:reverse:)``.
public func cumulativeProduct(_ x: Tensor, axis: Int) -> Tensor {
  scan(countable(x), axis, "cumulativeProduct") { $0 * $1 }
}

/// The largest element so far along an axis; equal ones share the gradient; as ``cumulativeProduct(_:axis:)`` otherwise.
public func cumulativeMax(_ x: Tensor, axis: Int) -> Tensor {
  scan(numeric(x), axis, "cumulativeMax", maximum)
}

/// The smallest element so far along an axis; equal ones share the gradient; as ``cumulativeProduct(_:axis:)`` otherwise.
public func cumulativeMin(_ x: Tensor, axis: Int) -> Tensor {
  scan(numeric(x), axis, "cumulativeMin", minimum)
}

/// The logarithm of the running sum of exponentials along an axis, without overflow; integers become float32. As
/// ``cumulativeProduct(_:axis:)`` otherwise.
public func cumulativeLogSumExp(_ x: Tensor, axis: Int) -> Tensor {
  scan(floating(x), axis, "cumulativeLogSumExp", logAddExp)
}

/// Every element joined with all before it: after each step with twice as many.
///
/// - SeeAlso: Hillis, Steele, *Data Parallel Algorithms* (1986), figure 3.
private func scan(
  _ x: Tensor, _ axis: Int, _ operation: String, _ join: (Tensor, Tensor) -> Tensor
) -> Tensor {
  attempt {
    let axis = try x.shape.axis(axis, operation)
    let length = x.shape.dimensions[axis]
    var y = x
    var reach = 1
    while reach < length {
      let first = slice(y, axis: axis, to: reach)
      let earlier = slice(y, axis: axis, to: length - reach)
      y = concatenate([first, join(earlier, slice(y, axis: axis, from: reach))], axis: axis)
      reach *= 2
    }
    return y
  }
}
