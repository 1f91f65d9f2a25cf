/// Several tensors one after the other along an axis.
struct ConcatenateOperation: Primitive {
  /// The axis, from the front.
  let axis: Int

  /// Any strides will do.
  var acceptsStrided: Bool { true }

  /// The first input's shape with the sum of the lengths along the axis.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    guard let first = inputs.first else {
      throw .invalidArgument(message: "\(name): needs at least one tensor")
    }
    try expectAxis(axis, first)
    var lengths = first.shape.dimensions
    lengths[axis] = 0
    for input in inputs {
      guard input.dtype == first.dtype else {
        throw .mixed([first.dtype, input.dtype], in: name)
      }
      var others = input.shape.dimensions
      let fits = others.count == lengths.count
      if fits {
        lengths[axis] += others[axis]
        others[axis] = lengths[axis]
      }
      guard fits, others == lengths else {
        throw .shape(
          operation: name,
          message: """
            cannot join \(first.shape) and \(input.shape) along axis \(axis): all other lengths \
            must be equal
            """)
      }
    }
    return [TensorSpec(Shape(lengths), first.dtype)]
  }

  /// One copy an input.
  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let y = outputs[0]
    var start = 0
    let copies = inputs.map { x in
      let target = y.pointer + start * y.strides[axis] * y.dtype.size
      start += x.shape.dimensions[axis]
      return copyKernel(
        from: x.pointer, strides: x.strides, to: target, strides: y.strides, shape: x.shape,
        size: y.dtype.size, workspace)
    }
    return { for copy in copies { try copy() } }
  }

  /// Slices of `g`.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    var start = 0
    return c.inputs.map { input in
      let length = input.shape.dimensions[axis]
      defer { start += length }
      return slice(c.g, axis: axis, from: start, to: start + length)
    }
  }

  /// Along the same axis.
  func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ConcatenateOperation(axis: axis + 1)
  }
}

/// Tensors one after the other along an axis; types promote (``DType/promoted(_:_:)``).
///
/// - Parameters:
///   - tensors: at least one; all lengths except that of `axis` are equal.
///   - axis: negative from the end.
/// - Returns: the shape of the first with the sum of the lengths along the axis. Other lengths that differ, and an axis that
///   does not exist, are an ``EngineError/shape(operation:message:)``.
public func concatenate(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
  attempt {
    guard let first = tensors.first else {
      throw EngineError.invalidArgument(message: "concatenate: needs at least one tensor")
    }
    let position = try first.shape.axis(axis, "concatenate")
    if tensors.count == 1 { return first }
    let dtype = tensors.map(\.dtype).reduce(first.dtype, DType.promoted)
    return apply(ConcatenateOperation(axis: position), tensors.map { $0.cast(to: dtype) })[0]
  }
}

/// Tensors of one shape along a new axis.
///
/// - Parameters:
///   - tensors: at least one; types promote (``DType/promoted(_:_:)``).
///   - axis: where the new axis stands in the result, negative from its end.
/// - Returns: their shape with an axis that is as long as there are tensors. Shapes that differ are an
///   ``EngineError/shape(operation:message:)``.
public func stack(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
  concatenate(tensors.map { expandDims($0, axis: axis) }, axis: axis)
}
