/// The input repeated along axes of length 1 and along new leading axes, as a view.
struct BroadcastTo: Primitive {
  /// The shape of the output.
  let shape: Shape

  /// Any strides will do.
  var acceptsStrided: Bool { true }

  /// The new shape, if every axis of the input (aligned at the end) has its length or 1.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let old = inputs[0].shape
    let fits =
      old.rank <= shape.rank
      && zip(old.reversed(), shape.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
    guard fits, shape.allSatisfy({ $0 >= 0 }) else {
      throw .shape(
        operation: name,
        message: """
          cannot repeat \(old) to \(shape): aligned at the last axis, every length must be equal \
          or 1
          """)
    }
    return [TensorSpec(shape, inputs[0].dtype)]
  }

  /// The same strides, and 0 along repeated axes.
  func view(of input: Layout) -> Layout? {
    Layout(shape: shape, strides: strides(input.shape, input.strides), offset: input.offset)
  }

  private func strides(_ old: Shape, _ strides: [Int]) -> [Int] {
    let added = shape.rank - old.rank
    return shape.indices.map { axis in
      axis < added || old.dimensions[axis - added] != shape.dimensions[axis]
        ? 0 : strides[axis - added]
    }
  }

  /// A copy with every repetition written out.
  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    return copyKernel(
      from: x.pointer, strides: strides(x.shape, x.strides), to: y.pointer, strides: y.strides,
      shape: y.shape, size: y.dtype.size, workspace)
  }

  /// `g` summed along the repeated axes.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let added = shape.rank - c.x.rank
    let repeated = shape.indices.filter { axis in
      axis < added || c.x.shape.dimensions[axis - added] != shape.dimensions[axis]
    }
    return [c.g.sum(axes: repeated).reshape(c.x.shape)]
  }

  /// New axes go between the examples and their own.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    let old = inputs[0].shape.dropFirst()
    let added = [Int](repeating: 1, count: shape.rank - old.count)
    let aligned = inputs[0].reshape(Shape([count] + added + old))
    return [aligned.broadcast(to: Shape([count] + shape))]
  }
}

/// `x` repeated to a shape; shares memory with `x`.
///
/// Axes are compared from the last one on. Where lengths differ that of `x` must be 1: the axis is repeated. Axes that `x`
/// does not have are added in front. Operations on several tensors repeat each of them so, to the shape in which every axis
/// has the one length that is not 1; shapes without such a length fail with ``EngineError/shape(operation:message:)``.
///
/// - Parameters:
///   - x: of any type.
///   - shape: that of the result.
/// - Returns: a view of `x` in this shape; an ``EngineError/shape(operation:message:)`` where `x` does not fit it.
/// - SeeAlso: NumPy, *Broadcasting*, whose rule this is.
public func broadcast(_ x: Tensor, to shape: Shape) -> Tensor {
  x.shape == shape ? x : apply1(BroadcastTo(shape: shape), x)
}

extension Tensor {
  /// This tensor repeated to `shape`; see ``broadcast(_:to:)``.
  public func broadcast(to shape: Shape) -> Tensor { Tensors.broadcast(self, to: shape) }
}
