import Tensors
import Testing

/// Expects two tensors to have one shape and elements with `|a − b| ≤ atol + rtol · |b|`.
///
/// NaN is close to NaN and an infinity to itself. Only the first mismatch is reported, at the
/// caller's line. Scalar types may differ.
public func expectClose(
  _ actual: Tensor, _ expected: Tensor, atol: Double = 1e-6, rtol: Double = 1e-5,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.shape == expected.shape else {
    Issue.record(
      "shape \(actual.shape) is not \(expected.shape) \(comment())", sourceLocation: sourceLocation)
    return
  }
  report(
    mismatch(actual.scalars(), expected.scalars(), atol, rtol, actual.shape), comment(),
    sourceLocation)
}

/// Expects a tensor to have these elements in row-major order, whatever its shape.
public func expectClose(
  _ actual: Tensor, _ expected: [Double], atol: Double = 1e-6, rtol: Double = 1e-5,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.elementCount == expected.count else {
    Issue.record(
      "shape \(actual.shape) has not \(expected.count) elements \(comment())",
      sourceLocation: sourceLocation)
    return
  }
  report(
    mismatch(actual.scalars(), expected, atol, rtol, actual.shape), comment(), sourceLocation)
}

/// Expects two lists of numbers to be as long as each other and close.
public func expectClose(
  _ actual: [Double], _ expected: [Double], atol: Double = 1e-6, rtol: Double = 1e-5,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record(
      "\(actual.count) numbers are not \(expected.count) \(comment())",
      sourceLocation: sourceLocation)
    return
  }
  report(
    mismatch(actual, expected, atol, rtol, [actual.count]), comment(), sourceLocation)
}

/// Expects two numbers to be close.
public func expectClose(
  _ actual: Double, _ expected: Double, atol: Double = 1e-6, rtol: Double = 1e-5,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  report(mismatch([actual], [expected], atol, rtol, []), comment(), sourceLocation)
}

private func mismatch(
  _ actual: [Double], _ expected: [Double], _ atol: Double, _ rtol: Double, _ shape: Shape
) -> String? {
  for (index, (a, b)) in zip(actual, expected).enumerated() {
    if a == b || (a.isNaN && b.isNaN) { continue }
    // Written so that NaN on either side is a mismatch; anything is within a share of infinity.
    if b.isFinite && abs(a - b) <= atol + rtol * abs(b) { continue }
    return "element \(position(index, shape)) is \(a), not \(b) (difference \(abs(a - b)))"
  }
  return nil
}

private func position(_ index: Int, _ shape: Shape) -> String {
  var rest = index
  var coordinates: [Int] = []
  for length in shape.reversed() {
    coordinates.insert(rest % max(length, 1), at: 0)
    rest /= max(length, 1)
  }
  return "\(coordinates)"
}

private func report(_ message: String?, _ comment: String, _ location: SourceLocation) {
  guard let message else { return }
  Issue.record("\(message) \(comment)", sourceLocation: location)
}
