/// The axes in another order, as a view.
package struct Transpose: Primitive {
  /// Axis `i` of the output is axis `permutation[i]` of the input.
  package let permutation: [Int]

  /// The axes in the order `permutation`.
  package init(permutation: [Int]) { self.permutation = permutation }

  /// Any strides will do.
  package var acceptsStrided: Bool { true }

  /// The lengths in the new order.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let shape = inputs[0].shape
    guard permutation.sorted() == Array(0..<shape.rank) else {
      throw .shape(
        operation: name,
        message: "axes \(permutation) are not an order of the \(shape.rank) axes of \(shape)")
    }
    return [TensorSpec(Shape(permutation.map { shape.dimensions[$0] }), inputs[0].dtype)]
  }

  /// The lengths and strides in the new order.
  package func view(of input: Layout) -> Layout? {
    Layout(
      shape: Shape(permutation.map { input.shape.dimensions[$0] }),
      strides: permutation.map { input.strides[$0] }, offset: input.offset)
  }

  /// A copy in the new order.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    return copyKernel(
      from: x.pointer, strides: permutation.map { x.strides[$0] }, to: y.pointer,
      strides: y.strides, shape: y.shape, size: y.dtype.size, workspace)
  }

  /// `g` in the old order.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let inverse = permutation.indices.sorted { permutation[$0] < permutation[$1] }
    return [c.g.transpose(inverse)]
  }

  /// The examples' axes in the new order.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Transpose(permutation: [0] + permutation.map { $0 + 1 })
  }
}

/// The axes of `x` in another order; shares memory with `x`.
///
/// - Parameters:
///   - x: of any shape and type.
///   - axes: axis `i` of the result is axis `axes[i]` of `x`, negative from the end; reversed by default.
/// - Returns: a view of `x`; an ``EngineError/shape(operation:message:)`` unless `axes` has each axis once.
public func transpose(_ x: Tensor, _ axes: [Int]? = nil) -> Tensor {
  let order = axes?.map { $0 < 0 ? $0 + x.rank : $0 } ?? Array((0..<x.rank).reversed())
  if order == Array(0..<x.rank) { return x }
  return apply1(Transpose(permutation: order), x)
}

/// `x` with two axes exchanged; shares memory with `x`.
public func swapAxes(_ x: Tensor, _ a: Int, _ b: Int) -> Tensor {
  attempt {
    var order = Array(0..<x.rank)
    order.swapAt(try x.shape.axis(a, "swapAxes"), try x.shape.axis(b, "swapAxes"))
    return x.transpose(order)
  }
}

extension Tensor {
  /// The axes in another order, reversed by default; negative axes count from the end.
  public func transpose(_ axes: [Int]? = nil) -> Tensor { Tensors.transpose(self, axes) }

  /// The last two axes exchanged: the transposed matrix, or a batch of them.
  public var transposed: Tensor { swapAxes(self, -1, -2) }
}
