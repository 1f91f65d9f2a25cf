/// The running product along an axis; bool and uint8 are multiplied as int64.
///
/// By multiplication only, so that zeros are no special case for the gradient.
///
/// - Parameter axis: negative from the end.
public func cumulativeProduct(_ x: Tensor, axis: Int) -> Tensor {
  scan(countable(x), axis, "cumulativeProduct") { $0 * $1 }
}

/// The largest element so far along an axis; equal ones share the gradient.
///
/// - Parameter axis: negative from the end.
public func cumulativeMax(_ x: Tensor, axis: Int) -> Tensor {
  scan(numeric(x), axis, "cumulativeMax", maximum)
}

/// The smallest element so far along an axis; equal ones share the gradient.
///
/// - Parameter axis: negative from the end.
public func cumulativeMin(_ x: Tensor, axis: Int) -> Tensor {
  scan(numeric(x), axis, "cumulativeMin", minimum)
}

/// The logarithm of the running sum of exponentials along an axis, without overflow; integers become float32.
///
/// - Parameter axis: negative from the end.
public func cumulativeLogSumExp(_ x: Tensor, axis: Int) -> Tensor {
  scan(floating(x), axis, "cumulativeLogSumExp", logAddExp)
}

/// `log(exp(a) + exp(b))` without overflow. Shapes broadcast and types promote as in NumPy.
public func logAddExp(_ a: Tensor, _ b: Tensor) -> Tensor {
  // Two infinities of one sign have no difference.
  let distance = select(a .== b, 0, floating(a - b))
  return maximum(a, b) + log1p(exp(-abs(distance)))
}

/// Every element combined with all before it: after each step with twice as many.
///
/// - SeeAlso: Hillis, Steele, *Data Parallel Algorithms* (1986), figure 3.
private func scan(
  _ x: Tensor, _ axis: Int, _ operation: String, _ combine: (Tensor, Tensor) -> Tensor
) -> Tensor {
  attempt {
    let axis = try x.shape.axis(axis, operation)
    let length = x.shape.dimensions[axis]
    var y = x
    var reach = 1
    while reach < length {
      let first = slice(y, axis: axis, to: reach)
      let earlier = slice(y, axis: axis, to: length - reach)
      y = concatenate([first, combine(earlier, slice(y, axis: axis, from: reach))], axis: axis)
      reach *= 2
    }
    return y
  }
}
