import CKernels

/// One input and one output of the same shape, computed element by element by a kernel in C.
///
/// A conforming type gives the code of its kernel and its gradient; all else is here.
package protocol UnaryElementwise: Primitive {
  /// Which kernel of CKernels computes it.
  static var op: apus_unary_op { get }
  /// The scalar type of the output for an input of type `input`; the same type unless overridden.
  func outputType(_ input: DType) -> DType
}

extension UnaryElementwise {
  /// The input's scalar type.
  package func outputType(_ input: DType) -> DType { input }

  /// Any strides will do.
  package var acceptsStrided: Bool { true }

  /// The output may lie on the input (the types differ for predicates only, which override this).
  package var inPlace: [InPlacePair] { [InPlacePair(output: 0, input: 0)] }

  /// The shape of the input.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    guard apus_unary(Self.op, inputs[0].dtype.code) != nil else {
      throw .unsupported(inputs[0].dtype, by: name)
    }
    return [TensorSpec(inputs[0].shape, outputType(inputs[0].dtype))]
  }

  /// One call for a contiguous or constant input, a loop nest otherwise.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    unaryKernel(apus_unary(Self.op, inputs[0].dtype.code), inputs[0], outputs[0], workspace, name)
  }
}

/// Two inputs and one output of the same shape, computed element by element by a kernel in C.
///
/// Both inputs have one scalar type and one shape: the functions that users call promote and
/// broadcast first.
package protocol BinaryElementwise: Primitive {
  /// Which kernel of CKernels computes it.
  static var op: apus_binary_op { get }
  /// The scalar type of the output for inputs of type `input`; the same type unless overridden.
  func outputType(_ input: DType) -> DType
}

extension BinaryElementwise {
  /// The inputs' scalar type.
  package func outputType(_ input: DType) -> DType { input }

  /// Any strides will do.
  package var acceptsStrided: Bool { true }

  /// The output may lie on either input (comparisons, whose type differs, override this).
  package var inPlace: [InPlacePair] {
    [InPlacePair(output: 0, input: 0), InPlacePair(output: 0, input: 1)]
  }

  /// The shape of the inputs.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectEqual(inputs[0], inputs[1])
    guard apus_binary(Self.op, inputs[0].dtype.code) != nil else {
      throw .unsupported(inputs[0].dtype, by: name)
    }
    return [TensorSpec(inputs[0].shape, outputType(inputs[0].dtype))]
  }

  /// One call for contiguous or constant inputs, a loop nest otherwise.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let a = inputs[0]
    let b = inputs[1]
    let y = outputs[0]
    guard y.elementCount > 0 else { return {} }
    guard let function = apus_binary(Self.op, a.dtype.code) else {
      fatalError("\(name): no kernel for \(a.dtype), which infer admitted")
    }
    let (sizeA, sizeB, sizeY) = (a.dtype.size, b.dtype.size, y.dtype.size)
    let loop = StridedLoop(shape: y.shape, strides: [a.strides, b.strides, y.strides])
    return workspace.parallel(loop) { piece, offsets in
      let (pa, pb) = (a.pointer + offsets[0] * sizeA, b.pointer + offsets[1] * sizeB)
      let py = y.pointer + offsets[2] * sizeY
      if piece.shape.count <= 1 {
        let (sa, sb) = (piece.strides[0].last ?? 1, piece.strides[1].last ?? 1)
        let count = piece.count
        return { function(pa, sa, pb, sb, py, count) }
      }
      let nest = LoopNest(piece)
      let (wa, wb, wy) = (Int32(sizeA), Int32(sizeB), Int32(sizeY))
      return { apus_run_binary(function, nest.pointer, wa, pa, wb, pb, wy, py) }
    }
  }
}

/// A kernel that applies `function` to every element of `x`.
func unaryKernel(
  _ function: apus_unary_fn?, _ x: Operand, _ y: Operand, _ workspace: Workspace, _ name: String
) -> Kernel {
  guard y.elementCount > 0 else { return {} }
  guard let function else {
    fatalError("\(name): no kernel for \(x.dtype), which infer admitted")
  }
  let (sizeX, sizeY) = (x.dtype.size, y.dtype.size)
  let loop = StridedLoop(shape: y.shape, strides: [x.strides, y.strides])
  return workspace.parallel(loop) { piece, offsets in
    let (px, py) = (x.pointer + offsets[0] * sizeX, y.pointer + offsets[1] * sizeY)
    if piece.shape.count <= 1 {
      let (stride, count) = (piece.strides[0].last ?? 1, piece.count)
      return { function(px, stride, py, count) }
    }
    let nest = LoopNest(piece)
    let (wx, wy) = (Int32(sizeX), Int32(sizeY))
    return { apus_run_unary(function, nest.pointer, wx, px, wy, py) }
  }
}

/// A loop nest at a fixed address, so that a kernel passes a pointer and copies nothing.
final class LoopNest {
  let pointer: UnsafeMutablePointer<apus_loop>

  init(_ loop: StridedLoop) {
    pointer = .allocate(capacity: 1)
    pointer.initialize(to: loop.c)
  }

  deinit { pointer.deallocate() }
}

/// A kernel that writes zeros, some on each thread.
func zeroKernel(_ y: Operand, _ workspace: Workspace) -> Kernel {
  let (target, size) = (y.pointer, y.dtype.size)
  // Nothing is read and nothing computed: a thread is worth it for more elements than elsewhere.
  return workspace.parallel(
    y.elementCount, grain: 4 * Workspace.elementGrain, multiple: 64
  ) { items, _ in
    (target + items.lowerBound * size).initializeMemory(
      as: UInt8.self, repeating: 0, count: items.count * size)
  }
}

/// A kernel that copies `x` to `y`, which have one shape and any strides.
func copyKernel(_ x: Operand, _ y: Operand, _ workspace: Workspace) -> Kernel {
  copyKernel(
    from: x.pointer, strides: x.strides, to: y.pointer, strides: y.strides, shape: y.shape,
    size: y.dtype.size, workspace)
}

/// A kernel that copies elements of `size` bytes between two layouts of one shape.
func copyKernel(
  from source: UnsafeMutableRawPointer, strides sourceStrides: [Int],
  to target: UnsafeMutableRawPointer, strides targetStrides: [Int], shape: Shape, size: Int,
  _ workspace: Workspace
) -> Kernel {
  guard shape.elementCount > 0 else { return {} }
  let loop = StridedLoop(shape: shape, strides: [sourceStrides, targetStrides])
  return workspace.parallel(loop) { piece, offsets in
    let (from, to) = (source + offsets[0] * size, target + offsets[1] * size)
    if piece.shape.isEmpty || (piece.shape.count == 1 && piece.strides.allSatisfy { $0 == [1] }) {
      let bytes = piece.count * size
      return { to.copyMemory(from: from, byteCount: bytes) }
    }
    let nest = LoopNest(piece)
    let width = Int32(size)
    return { apus_copy_strided(nest.pointer, width, from, to) }
  }
}

extension Primitive {
  /// Checks the number of inputs, which only a wrong primitive gets wrong.
  func expect(_ inputs: [TensorSpec], count: Int) throws(EngineError) {
    guard inputs.count == count else {
      throw .invalidArgument(message: "\(name): takes \(count) inputs, got \(inputs.count)")
    }
  }

  /// Checks that two inputs agree in shape and scalar type.
  func expectEqual(_ a: TensorSpec, _ b: TensorSpec) throws(EngineError) {
    guard a.dtype == b.dtype else {
      throw .mixed([a.dtype, b.dtype], in: name)
    }
    guard a.shape == b.shape else {
      throw EngineError(
        .shape, operation: name,
        .requirement(of: "inputs", must: "have one shape", found: "\(a.shape) and \(b.shape)"))
    }
  }

  /// Checks that an input is float32 or float64.
  func expectFloating(_ x: TensorSpec) throws(EngineError) {
    guard x.dtype.isFloating else {
      throw .dtype(
        operation: name,
        message: "works on float32 and float64, got \(x.dtype); use cast(to: .float32)")
    }
  }

  /// Checks that an input holds integers, to be used as indices.
  func expectIndices(_ x: TensorSpec) throws(EngineError) {
    guard x.dtype == .int32 || x.dtype == .int64 || x.dtype == .uint8 else {
      throw EngineError(
        .dtype, operation: name,
        .requirement(of: "indices", must: "be int32, int64 or uint8", found: "\(x.dtype)"))
    }
  }

  /// Checks that an axis, counted from the front, exists.
  func expectAxis(_ axis: Int, _ x: TensorSpec) throws(EngineError) {
    guard axis >= 0, axis < x.shape.rank else {
      throw .shape(
        operation: name, message: "axis \(axis) does not exist in shape \(x.shape)")
    }
  }
}
