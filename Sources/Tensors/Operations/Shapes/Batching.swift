// What rules for many examples at once share: see ``Primitive/batched(_:mapped:count:)``.

/// A primitive that works on elements, or on rows along the last axis, whatever axes lie in front.
public protocol AnyLeadingAxes: Primitive {}

extension AnyLeadingAxes {
  /// The same operation: one axis more in front makes no difference.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? { self }
}

extension Tensor {
  /// An input of an operation on `count` examples, with the examples along a new first axis: itself, or the same for each.
  func examples(_ count: Int, isMapped: Bool) -> Tensor {
    isMapped ? self : broadcast(to: Shape([count] + shape))
  }

  /// One axis at another place, the others in their order.
  func movingAxis(_ source: Int, to target: Int) -> Tensor {
    if isInvalid { return self }
    var order = Array(0..<rank)
    order.insert(order.remove(at: source), at: target)
    return transpose(order)
  }
}

extension Primitive {
  /// Puts the examples into the axis of examples that inputs and outputs begin with.
  ///
  /// - Parameters:
  ///   - wide: the operation for `count` times as many examples.
  ///   - inputs: as for ``batched(_:mapped:count:)``.
  ///   - mapped: likewise.
  ///   - count: likewise.
  /// - Returns: the outputs, examples first.
  func merged(
    _ wide: some Primitive, _ inputs: [Tensor], mapped: [Bool], count: Int
  ) -> [Tensor] {
    let joined = zip(inputs, mapped).map { tensor, isMapped in
      let all = tensor.examples(count, isMapped: isMapped)
      return all.reshape(Shape([count * all.shape[1]] + all.shape.dropFirst(2)))
    }
    return apply(wide, joined).map { output in
      guard !output.isInvalid else { return output }
      return output.reshape(Shape([count, output.shape[0] / count] + output.shape.dropFirst()))
    }
  }

  /// Indices `[examples, ...]` into an axis of each example as indices into these axes one after the other.
  func inOneRow(_ indices: Tensor, length: Int) -> Tensor {
    let indices = indices.cast(to: .int64)
    let fromFront = select(indices .< 0, indices + length, indices)
    let checked = wholeNumbers(fromFront, below: length, name)
    let starts = Tensor((0..<indices.shape[0]).map { $0 * length })
    let unit = [Int](repeating: 1, count: indices.rank - 1)
    return checked + starts.reshape(Shape([indices.shape[0]] + unit))
  }
}

extension Shape {
  /// The shape of `count` times as many images.
  func times(_ count: Int) -> Shape { Shape([count * self[0]] + dropFirst()) }
}
