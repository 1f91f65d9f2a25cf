import CKernels

/// The elements along an axis in order, and where they were.
package struct SortOperation: Primitive {
  /// The axis, from the front.
  package let axis: Int
  /// Whether the largest comes first.
  package let descending: Bool

  /// Elements of `axis` in order.
  package init(axis: Int, descending: Bool) {
    self.axis = axis
    self.descending = descending
  }

  /// The shape of the input, twice: elements, and int32 positions.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectAxis(axis, inputs[0])
    try expectPositions(inputs[0].shape.dimensions[axis], name)
    try expectNumeric(inputs[0])
    return [inputs[0], TensorSpec(inputs[0].shape, .int32)]
  }

  /// One call of the kernel for each part of the axes in front.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y, places) = (inputs[0], outputs[0], outputs[1].pointer(as: Int32.self))
    let (outer, n, inner) = x.shape.parts(around: axis)
    guard x.elementCount > 0 else { return {} }
    workspace.require(bytes: apus_sort_scratch(n))
    let (row, size, descending) = (n * inner, x.dtype.size, descending)
    return workspace.parallel(outer, grain: 1 + Workspace.elementGrain / row) { items, part in
      let start = items.lowerBound * row
      apus_sort(
        x.dtype.code, x.pointer + start * size, y.pointer + start * size, places + start,
        items.count, n, inner, descending ? 1 : 0, workspace.base(part: part))
    }
  }

  /// Each element of `g` back to where its element was.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let g = c.g.movingAxis(axis, to: c.x.rank - 1)
    let places = c.outputs[1].movingAxis(axis, to: c.x.rank - 1)
    let n = c.x.shape.dimensions[axis]
    let rows = n == 0 ? 0 : c.x.elementCount / n
    // Rows one after the other: the place of an element among all.
    let starts = (Tensor.arange(rows, dtype: .int64) * Tensor(Int64(n))).expandDims(axis: 1)
    let flat = (places.reshape([rows, n]).cast(to: .int64) + starts).reshape([-1])
    let back = scatterAdd(g.reshape([rows * n]), flat, length: rows * n)
    return [back.reshape(g.shape).movingAxis(c.x.rank - 1, to: axis)]
  }

  /// The order along the same axis of each example.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    SortOperation(axis: axis + 1, descending: descending)
  }
}

/// The elements of `x` along an axis in order. Equal elements keep theirs; NaN counts as larger than any number.
///
/// The gradient goes back to where each element was.
///
/// - Parameters:
///   - x: of any shape with an axis; bool becomes int32.
///   - axis: negative from the end; the last by default.
///   - descending: whether the largest comes first.
/// - Returns: of the shape of `x`. An axis that does not exist is an ``EngineError/shape(operation:message:)``.
public func sort(_ x: Tensor, axis: Int = -1, descending: Bool = false) -> Tensor {
  sorted(x, axis, descending, "sort")[0]
}

/// The position (int32) along the axis in `x` of each element of ``sort(_:axis:descending:)``; parameters, shape and errors
/// are the same.
public func argsort(_ x: Tensor, axis: Int = -1, descending: Bool = false) -> Tensor {
  sorted(x, axis, descending, "argsort")[1]
}

/// The `k` largest elements along an axis, the largest first, and their positions (int32).
///
/// - Parameters:
///   - x: of any shape with an axis; bool becomes int32.
///   - k: at most the length of the axis, or it is an ``EngineError/invalidArgument(message:)``.
///   - axis: negative from the end; the last by default.
/// - Returns: both of the shape of `x` with `k` as the length of the axis.
public func topK(_ x: Tensor, _ k: Int, axis: Int = -1) -> (values: Tensor, indices: Tensor) {
  let found = sorted(x, axis, true, "topK")
  guard !found[0].isInvalid else { return (found[0], found[1]) }
  guard (0...x.shape[axis]).contains(k) else {
    let failed = fail(
      EngineError.argument(
        "k", of: "topK", must: "be in 0...\(x.shape[axis]) for axis \(axis) of \(x.shape)",
        found: "\(k)")
    )
    return (failed, failed)
  }
  return (
    slice(found[0], axis: axis, from: 0, to: k), slice(found[1], axis: axis, from: 0, to: k)
  )
}

private func sorted(_ x: Tensor, _ axis: Int, _ descending: Bool, _ operation: String) -> [Tensor] {
  do {
    let axis = try x.shape.axis(axis, operation)
    return apply(SortOperation(axis: axis, descending: descending), [numeric(x)])
  } catch {
    let failed = fail(error)
    return [failed, failed]
  }
}

extension Tensor {
  /// The elements along an axis in order; see ``sort(_:axis:descending:)``.
  public func sort(axis: Int = -1, descending: Bool = false) -> Tensor {
    Tensors.sort(self, axis: axis, descending: descending)
  }

  /// The position of each element of the sorted tensor; see ``argsort(_:axis:descending:)``.
  public func argsort(axis: Int = -1, descending: Bool = false) -> Tensor {
    Tensors.argsort(self, axis: axis, descending: descending)
  }
}
