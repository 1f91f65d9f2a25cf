/// The matrix product of the last two axes, for every position of the axes before them.
///
/// Both inputs have the same rank, 2 at least, and the same leading axes: ``matmul(_:_:)`` sees to
/// that.
package struct MatMul: Primitive {
  /// What factors are rounded to; set by a pass.
  let precision: ProductPrecision

  /// A product of factors as they are, or rounded first.
  package init(precision: ProductPrecision = .exact) { self.precision = precision }

  /// `matMul`, with the type of the factors when they are rounded.
  package var name: String { "matMul" + precision.suffix }

  /// A transposed matrix costs nothing: the product takes it as a flag.
  package var acceptsStrided: Bool { true }

  /// `[..., m, k]` and `[..., k, n]` give `[..., m, n]`.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    let (a, b) = (inputs[0], inputs[1])
    guard a.dtype == b.dtype, a.dtype != .bool else {
      throw .dtype(
        operation: name,
        message: "works on two numeric tensors of one type, got \(a.dtype) and \(b.dtype)")
    }
    try checkProduct(a.shape, b.shape)
    let rank = a.shape.rank
    guard rank >= 2, b.shape.rank == rank,
      a.shape.dimensions.dropLast(2) == b.shape.dimensions.dropLast(2)
    else {
      throw .shape(
        operation: name, message: "leading axes of \(a.shape) and \(b.shape) must be equal")
    }
    return [TensorSpec(Shape(a.shape.dimensions.dropLast() + [b.shape[-1]]), a.dtype)]
  }

  /// ``MatrixProduct`` for floating types, a plain loop for integers.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (a, b, y) = (inputs[0], inputs[1], outputs[0])
    guard y.elementCount > 0 else { return {} }
    switch y.dtype {
    case .float32, .float64: return MatrixProduct(a, b, y, workspace, precision).kernel
    case .int32: return integerProduct(a, b, y, Int32.self)
    case .int64: return integerProduct(a, b, y, Int64.self)
    case .uint8, .bool: return integerProduct(a, b, y, UInt8.self)
    }
  }

  /// `g · bᵀ` and `aᵀ · g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    c.wanted(
      apply1(self, c.g, c.inputs[1].transposed), apply1(self, c.inputs[0].transposed, c.g))
  }

  /// A batch of products; one product where the right factor is the same for all.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    [matmul(inputs[0], inputs[1])]
  }
}

extension MatMul: EpilogueHost {
  /// One product of floating-point matrices, which can be added to what is there.
  func canHost(_ inputs: [TensorSpec], _ output: TensorSpec) -> Bool {
    output.dtype.isFloating
      && output.shape.dropLast(2).allSatisfy { $0 == 1 }
      && output.shape.elementCount > 0 && inputs[0].shape[-1] > 0
  }

  /// See ``MatrixProduct/kernel(around:)``.
  func prepare(
    _ inputs: [Operand], _ output: Operand, _ workspace: Workspace, around work: BlockWork
  ) -> Kernel {
    MatrixProduct(inputs[0], inputs[1], output, workspace, precision).kernel(around: work)
  }
}

/// Says what is wrong with the shapes of a product, if anything is.
private func checkProduct(_ a: Shape, _ b: Shape) throws(EngineError) {
  guard a.rank > 0, b.rank > 0 else {
    throw .shape(
      operation: "matmul",
      message: "cannot multiply \(a) by \(b): both need at least one axis; use * for scalars")
  }
  let (columns, rows) = (a[-1], b.rank == 1 ? b[0] : b[-2])
  guard columns == rows else {
    throw .shape(
      operation: "matmul",
      message: """
        cannot multiply \(a) by \(b): columns of the first (\(columns)) must equal rows of the \
        second (\(rows))
        """)
  }
}

/// The matrix product by the rules of NumPy.
///
/// `[m, k]` and `[k, n]` give `[m, n]`. More axes in front are a batch of matrices and broadcast (``broadcast(_:to:)``). A
/// first tensor of rank 1 counts as one row, a second one of rank 1 as one column, and that axis is
/// left out of the result: `[k]` and `[k]` give a scalar. Types promote (``DType/promoted(_:_:)``), and bool counts as int32;
/// integers wrap around beyond their range. With `k` = 0 the result is 0. Lengths that do not fit, and a scalar, are an
/// ``EngineError/shape(operation:message:)``.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor {
  attempt {
    try checkProduct(a.shape, b.shape)
    let dtype = DType.promoted(.uint8, DType.promoted(a.dtype, b.dtype))
    let type = a.dtype == .bool && b.dtype == .bool ? .int32 : dtype
    var (a, b) = (a.cast(to: type), b.cast(to: type))
    if b.rank == 1 {
      return matmul(a, b.expandDims(axis: 1)).squeeze(axis: -1)
    }
    if a.rank == 1 {
      return matmul(a.expandDims(axis: 0), b).squeeze(axis: -2)
    }
    if a.rank > 2, b.rank <= a.rank, b.shape.dropLast(2).allSatisfy({ $0 == 1 }) {
      // One matrix for the whole batch: the rows of all matrices are the rows of one.
      let rows = a.shape.dropLast().reduce(1, *)
      let flat = apply1(
        MatMul(), a.reshape([rows, a.shape[-1]]), b.reshape([b.shape[-2], b.shape[-1]]))
      return flat.reshape(Shape(a.shape.dropLast() + [b.shape[-1]]))
    }
    let batch = try Shape.broadcast(
      Shape(Array(a.shape.dropLast(2))), Shape(Array(b.shape.dropLast(2))), operation: "matmul")
    a = a.broadcast(to: Shape(batch + a.shape.suffix(2)))
    b = b.broadcast(to: Shape(batch + b.shape.suffix(2)))
    return apply1(MatMul(), a, b)
  }
}

/// The product of integers, wrapping around on overflow.
private func integerProduct<S: FixedWidthInteger>(
  _ a: Operand, _ b: Operand, _ y: Operand, _ type: S.Type
) -> Kernel {
  let rank = y.shape.rank
  let (rows, columns, depth) = (y.shape[-2], y.shape[-1], a.shape[-1])
  let starts = BatchOffsets(a, b)
  let (pa, pb, py) = (a.pointer(as: S.self), b.pointer(as: S.self), y.pointer(as: S.self))
  let (aRow, aColumn) = (a.strides[rank - 2], a.strides[rank - 1])
  let (bRow, bColumn) = (b.strides[rank - 2], b.strides[rank - 1])
  return {
    py.update(repeating: 0, count: starts.a.count * rows * columns)
    for index in starts.a.indices {
      let (left, right) = (pa + starts.a[index], pb + starts.b[index])
      for row in 0..<rows {
        let target = py + (index * rows + row) * columns
        for k in 0..<depth {
          let factor = left[row * aRow + k * aColumn]
          for column in 0..<columns {
            target[column] &+= factor &* right[k * bRow + column * bColumn]
          }
        }
      }
    }
  }
}

/// Where each matrix of a batch starts, in elements.
struct BatchOffsets {
  let a: [Int]
  let b: [Int]

  init(_ a: Operand, _ b: Operand) {
    self.a = Self.offsets(a)
    self.b = Self.offsets(b)
  }

  private static func offsets(_ x: Operand) -> [Int] {
    var found = [0]
    for axis in 0..<(x.shape.rank - 2) {
      found = found.flatMap { base in
        (0..<x.shape.dimensions[axis]).map { base + $0 * x.strides[axis] }
      }
    }
    return found
  }
}
