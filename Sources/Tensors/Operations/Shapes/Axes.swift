/// `x` with a new axis of length 1; shares memory with `x`.
///
/// - Parameters:
///   - x: of any shape and type.
///   - axis: where the new axis stands in the result, negative from its end.
/// - Returns: a view of `x` with one axis more; an ``EngineError/shape(operation:message:)`` where that has no such place.
public func expandDims(_ x: Tensor, axis: Int) -> Tensor {
  attempt {
    var lengths = x.shape.dimensions + [1]
    let position = try Shape(lengths).axis(axis, "expandDims")
    lengths.removeLast()
    lengths.insert(1, at: position)
    return x.reshape(Shape(lengths))
  }
}

/// `x` without axes of length 1; shares memory with `x`.
///
/// - Parameters:
///   - x: of any shape and type.
///   - axis: the axis to remove, which must have length 1; all such axes by default.
/// - Returns: a view of `x`; an ``EngineError/shape(operation:message:)`` for an axis of another length.
public func squeeze(_ x: Tensor, axis: Int? = nil) -> Tensor {
  attempt {
    guard let axis else { return x.reshape(Shape(x.shape.filter { $0 != 1 })) }
    let position = try x.shape.axis(axis, "squeeze")
    guard x.shape.dimensions[position] == 1 else {
      throw EngineError.shape(
        operation: "squeeze",
        message: "axis \(axis) of \(x.shape) has length \(x.shape[position]), not 1")
    }
    return x.reshape(x.shape.reduced([position], keepDims: false))
  }
}

/// `x` with one or several axes reversed; shares memory with `x`.
///
/// - Parameters:
///   - x: of any shape and type.
///   - axes: negative from the end; all by default.
/// - Returns: a view of `x` of the same shape; errors as for ``sum(_:axis:axes:keepDims:)->Tensor``.
public func flip(_ x: Tensor, axes: [Int]? = nil) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(nil, axes, "flip")
    return axes.reduce(x) { slice($0, axis: $1, by: -1) }
  }
}

/// `x` in parts along an axis; the parts share memory with `x`.
///
/// - Parameters:
///   - x: of any shape and type.
///   - lengths: of the parts; their sum is the length of the axis, or it is an ``EngineError/shape(operation:message:)``.
///   - axis: negative from the end.
/// - Returns: as many tensors as there are lengths.
public func split(_ x: Tensor, lengths: [Int], axis: Int = 0) -> [Tensor] {
  do {
    let position = try x.shape.axis(axis, "split")
    guard lengths.reduce(0, +) == x.shape[position], lengths.allSatisfy({ $0 >= 0 }) else {
      throw EngineError.shape(
        operation: "split",
        message: """
          lengths \(lengths) do not add up to the \(x.shape[position]) of axis \(axis) of \(x.shape)
          """)
    }
    var start = 0
    return lengths.map { length in
      defer { start += length }
      return slice(x, axis: position, from: start, to: start + length)
    }
  } catch {
    return [Tensor](repeating: fail(error), count: lengths.count)
  }
}

/// `x` in `parts` equal parts along an axis, whose length they must divide; the parts share memory with `x`.
public func split(_ x: Tensor, into parts: Int, axis: Int = 0) -> [Tensor] {
  do {
    let position = try x.shape.axis(axis, "split")
    guard parts > 0, x.shape[position] % parts == 0 else {
      throw EngineError.shape(
        operation: "split",
        message: "axis \(axis) of \(x.shape) does not fall into \(parts) equal parts")
    }
    return split(
      x, lengths: [Int](repeating: x.shape[position] / parts, count: parts), axis: position)
  } catch {
    return [Tensor](repeating: fail(error), count: Swift.max(parts, 0))
  }
}

/// Every element of `x` repeated `count` times along an axis: `[a, b]` gives `[a, a, b, b]`.
public func repeatElements(_ x: Tensor, _ count: Int, axis: Int) -> Tensor {
  attempt {
    let position = try x.shape.axis(axis, "repeatElements")
    var lengths = x.shape.dimensions
    lengths.insert(count, at: position + 1)
    let wide = expandDims(x, axis: position + 1).broadcast(to: Shape(lengths))
    lengths.remove(at: position + 1)
    lengths[position] *= count
    return wide.reshape(Shape(lengths))
  }
}

/// `x` as a whole repeated along every axis: `[a, b]` twice gives `[a, b, a, b]`.
///
/// - Parameters:
///   - x: of any shape and type.
///   - counts: how often, one entry an axis; any other number is an ``EngineError/shape(operation:message:)``.
/// - Returns: each axis as many times as long.
public func tile(_ x: Tensor, _ counts: [Int]) -> Tensor {
  attempt {
    guard counts.count == x.rank else {
      throw EngineError.shape(
        operation: "tile", message: "needs \(x.rank) counts for \(x.shape), got \(counts)")
    }
    let narrow = Shape(x.shape.flatMap { [1, $0] })
    let wide = Shape(zip(counts, x.shape).flatMap { [$0, $1] })
    let whole = Shape(zip(counts, x.shape).map { $0 * $1 })
    return x.reshape(narrow).broadcast(to: wide).reshape(whole)
  }
}

extension Tensor {
  /// This tensor with a new axis of length 1 at position `axis` of the result.
  public func expandDims(axis: Int) -> Tensor { Tensors.expandDims(self, axis: axis) }

  /// This tensor without one axis of length 1, or without all of them (the default).
  public func squeeze(axis: Int? = nil) -> Tensor { Tensors.squeeze(self, axis: axis) }

  /// This tensor with axes reversed, all of them by default.
  public func flip(axes: [Int]? = nil) -> Tensor { Tensors.flip(self, axes: axes) }
}
