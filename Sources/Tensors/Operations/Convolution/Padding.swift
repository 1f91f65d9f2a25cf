/// What a window does at the edges of an image.
public enum Padding: Hashable, Sendable, Codable {
  /// The window stays inside the image.
  case valid
  /// Zeros around the image such that the output has `ceil(length / stride)` positions; the odd one
  /// goes behind the last element, as in TensorFlow and Keras.
  case same
  /// Zeros before the first element only, as many as keep every output from depending on later elements.
  case causal
  /// These numbers of zeros before the first and behind the last element; one number an axis.
  case explicit(before: [Int], after: [Int])

  /// Zeros before and behind each axis, for windows over the elements that they span.
  ///
  /// - Parameters:
  ///   - spans: the elements from a window's first cell to its last.
  ///   - strides: the elements from one window to the next.
  ///   - lengths: the elements of the image.
  ///   - operation: what pads, for the message.
  /// - Returns: numbers of zeros, one an axis.
  /// - Throws: ``EngineError/invalidArgument(message:)`` for explicit numbers below 0, or not one an axis.
  func widths(
    spans: [Int], strides: [Int], lengths: [Int], _ operation: String
  ) throws(EngineError) -> (before: [Int], after: [Int]) {
    let none = [Int](repeating: 0, count: spans.count)
    switch self {
    case .valid: return (none, none)
    case .causal: return (spans.map { $0 - 1 }, none)
    case .same:
      let totals = spans.indices.map { axis in
        let count = (lengths[axis] + strides[axis] - 1) / strides[axis]
        return Swift.max((count - 1) * strides[axis] + spans[axis] - lengths[axis], 0)
      }
      return (totals.map { $0 / 2 }, totals.map { $0 - $0 / 2 })
    case .explicit(let before, let after):
      guard before.count == spans.count, after.count == spans.count,
        (before + after).allSatisfy({ $0 >= 0 })
      else {
        throw .argument(
          "padding", of: operation,
          must: "be \(spans.count) numbers of at least 0 before and as many after",
          found: "\(before) and \(after)")
      }
      return (before, after)
    }
  }
}
