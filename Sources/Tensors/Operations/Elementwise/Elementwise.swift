import CKernels

/// A primitive that computes each element of its only output from the elements in the same place of its inputs, of which
/// there are up to three, of one shape.
///
/// The loop over elements and the gradient are all that a conforming type says. The rest follows: the shape rule, any strides, the
/// output in the memory of an input; that a plan makes one operation of it and its elementwise neighbours, or of a matrix
/// product and it; and that `vmap` does it for all examples at once.
///
/// ```swift
/// /// `x³` of each element.
/// struct Cube: Elementwise {
///   func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
///     guard inputs == [.float32] else { return nil }
///     return .unary { (x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count) in
///       for i in 0..<count { y[i] = x[i] * x[i] * x[i] }
///     }
///   }
///
///   func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * square(c.x) * 3] }
/// }
///
/// func cube(_ x: Tensor) -> Tensor { apply1(Cube(), x.cast(to: .float32)) }
/// ```
public protocol Elementwise: Primitive {
  /// The loop for inputs of these scalar types, nil where there is none.
  ///
  /// It depends on the types and on the primitive's attributes alone. Asked for when a shape is inferred and when a kernel is
  /// made, never while one runs.
  func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel?
}

extension Elementwise {
  /// Any strides will do.
  public var acceptsStrided: Bool { true }

  /// The output may lie on any input; a plan does that where their scalar types are of one size.
  public var inPlace: [InPlacePair] {
    (0..<ElementwiseKernel.mostInputs).map { InPlacePair(output: 0, input: $0) }
  }

  /// Itself.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? { self }

  /// The shape of the inputs and the type that the kernel gives.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    guard let first = inputs.first, inputs.count <= ElementwiseKernel.mostInputs else {
      throw .invalidArgument(
        message: "\(name): takes 1 to \(ElementwiseKernel.mostInputs) inputs, got \(inputs.count)")
    }
    let types = inputs.map(\.dtype)
    guard let kernel = elementwiseKernel(for: types), kernel.accepts(types) else {
      let list = types.map { "\($0)" }.joined(separator: ", ")
      throw .dtype(operation: name, message: "does not work on \(list)")
    }
    if let other = inputs.first(where: { $0.shape != first.shape }) {
      throw .shape(
        operation: name,
        message: "inputs must have one shape, got \(first.shape) and \(other.shape)")
    }
    return [TensorSpec(first.shape, kernel.output)]
  }

  /// One call for contiguous or constant inputs, a loop nest otherwise; on as many threads as pay.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let y = outputs[0]
    guard y.elementCount > 0 else { return {} }
    guard let kernel = elementwiseKernel(for: inputs.map(\.dtype)) else {
      fatalError("\(name): no kernel for \(inputs.map(\.dtype)), which infer admitted")
    }
    let loop = StridedLoop(shape: y.shape, strides: inputs.map(\.strides) + [y.strides])
    return switch kernel.function {
    case .unary(let function): unaryKernel(function, loop, inputs[0], y, workspace)
    case .binary(let function): binaryKernel(function, loop, inputs[0], inputs[1], y, workspace)
    case .select(let function): selectKernel(function, loop, inputs, y, workspace)
    case .loop(let elements): loopKernel(elements, loop, inputs, y, workspace)
    }
  }
}

/// One input and one output of the same shape, computed element by element by a kernel in C.
///
/// A conforming type gives the code of its kernel and its gradient; all else is here.
package protocol UnaryElementwise: Elementwise {
  /// Which kernel of CKernels computes it.
  static var op: apus_unary_op { get }
  /// The scalar type of the output for an input of type `input`; the same type unless overridden.
  func outputType(_ input: DType) -> DType
}

extension UnaryElementwise {
  /// The input's scalar type.
  package func outputType(_ input: DType) -> DType { input }

  /// The kernel in C.
  package func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    ElementwiseKernel(apus_unary(Self.op, inputs[0].code), output: outputType(inputs[0]))
  }

  /// The shape of the input.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    guard apus_unary(Self.op, inputs[0].dtype.code) != nil else {
      throw .unsupported(inputs[0].dtype, by: name)
    }
    return [TensorSpec(inputs[0].shape, outputType(inputs[0].dtype))]
  }
}

/// Two inputs and one output of the same shape, computed element by element by a kernel in C.
///
/// Both inputs have one scalar type and one shape: the functions that users call promote and
/// broadcast first.
package protocol BinaryElementwise: Elementwise {
  /// Which kernel of CKernels computes it.
  static var op: apus_binary_op { get }
  /// The scalar type of the output for inputs of type `input`; the same type unless overridden.
  func outputType(_ input: DType) -> DType
}

extension BinaryElementwise {
  /// The inputs' scalar type.
  package func outputType(_ input: DType) -> DType { input }

  /// The kernel in C.
  package func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    ElementwiseKernel(apus_binary(Self.op, inputs[0].code), output: outputType(inputs[0]))
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
}

// MARK: Kernels

/// Applies `function` to every element of `x`.
private func unaryKernel(
  _ function: @escaping apus_unary_fn, _ loop: StridedLoop, _ x: Operand, _ y: Operand,
  _ workspace: Workspace
) -> Kernel {
  let (sizeX, sizeY) = (x.dtype.size, y.dtype.size)
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

private func binaryKernel(
  _ function: @escaping apus_binary_fn, _ loop: StridedLoop, _ a: Operand, _ b: Operand,
  _ y: Operand, _ workspace: Workspace
) -> Kernel {
  let (sizeA, sizeB, sizeY) = (a.dtype.size, b.dtype.size, y.dtype.size)
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

/// The inputs are a condition and two choices of the output's type.
private func selectKernel(
  _ function: @escaping apus_select_fn, _ loop: StridedLoop, _ inputs: [Operand], _ y: Operand,
  _ workspace: Workspace
) -> Kernel {
  let size = y.dtype.size
  return workspace.parallel(loop) { piece, offsets in
    let pc = inputs[0].pointer + offsets[0]
    let (pa, pb) = (inputs[1].pointer + offsets[1] * size, inputs[2].pointer + offsets[2] * size)
    let py = y.pointer + offsets[3] * size
    if piece.shape.count <= 1 {
      let steps = piece.strides.map { $0.last ?? 1 }
      let (sc, sa, sb, count) = (steps[0], steps[1], steps[2], piece.count)
      return { function(pc, sc, pa, sa, pb, sb, py, count) }
    }
    let nest = LoopNest(piece)
    let width = Int32(size)
    return { apus_run_select(function, nest.pointer, width, pc, pa, pb, py) }
  }
}

/// A loop in Swift, for each row of the innermost axis.
private func loopKernel(
  _ elements: ElementLoop, _ loop: StridedLoop, _ inputs: [Operand], _ y: Operand,
  _ workspace: Workspace
) -> Kernel {
  let operands = inputs + [y]
  // The inputs that there are not are the last one again.
  let places = [0, min(1, inputs.count - 1), min(2, inputs.count - 1), inputs.count]
  return workspace.parallel(loop) { piece, offsets in
    let rows = Array(piece.shape.dropLast())
    let (rowCount, columns) = (rows.reduce(1, *), piece.shape.last ?? 1)
    let pointers = places.map { operands[$0].pointer + offsets[$0] * operands[$0].dtype.size }
    let columnStrides = places.map { piece.strides[$0].last ?? 1 }
    let rowStrides = places.map { place in
      piece.strides[place].dropLast().map { $0 * operands[place].dtype.size }
    }
    return {
      for row in 0..<rowCount {
        func start(_ index: Int) -> UnsafeMutableRawPointer {
          var (offset, rest) = (0, row)
          for axis in stride(from: rows.count - 1, through: 0, by: -1) {
            let (quotient, position) = rest.quotientAndRemainder(dividingBy: rows[axis])
            offset += position * rowStrides[index][axis]
            rest = quotient
          }
          return pointers[index] + offset
        }
        elements.run(
          (start(0), columnStrides[0]), (start(1), columnStrides[1]),
          (start(2), columnStrides[2]), start(3), columns)
      }
    }
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
