import CKernels

/// Elementwise choice between two tensors.
package struct Select: Primitive {
  /// The operation.
  package init() {}

  /// Any strides will do.
  package var acceptsStrided: Bool { true }

  /// The output may lie on either of the two choices.
  package var inPlace: [InPlacePair] {
    [InPlacePair(output: 0, input: 1), InPlacePair(output: 0, input: 2)]
  }

  /// The common shape of a bool condition and two choices of one scalar type.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 3)
    guard inputs[0].dtype == .bool else {
      throw EngineError(
        .dtype, operation: name,
        .requirement(of: "the condition", must: "be bool", found: "\(inputs[0].dtype)"))
    }
    try expectEqual(inputs[1], inputs[2])
    try expectEqual(TensorSpec(inputs[0].shape, inputs[1].dtype), inputs[1])
    return [inputs[1]]
  }

  /// One call for contiguous or constant inputs, a loop nest otherwise.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let y = outputs[0]
    guard y.elementCount > 0 else { return {} }
    guard let function = apus_select(y.dtype.code) else {
      fatalError("select: no kernel for \(y.dtype)")
    }
    let size = y.dtype.size
    let loop = StridedLoop(shape: y.shape, strides: inputs.map(\.strides) + [y.strides])
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

  /// `g` where the choice was taken, 0 elsewhere; none for the condition.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    c.wanted(nil, select(c.x, c.g, 0), select(c.x, 0, c.g))
  }
}

/// The element of `a` where `condition` is true (or not zero), else that of `b`.
///
/// Shapes broadcast and the types of `a` and `b` promote as in NumPy.
///
/// A gradient of 0 goes to the choice not taken. The operations that it was made by go on with that 0, and one whose
/// slope is infinite or NaN there makes NaN of it, as in PyTorch and JAX: `select(x .> 0, sqrt(x), 0)` has the slope NaN
/// where `x` is negative. Choose the input as well: `select(x .> 0, sqrt(select(x .> 0, x, 1)), 0)`.
public func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
  attempt {
    let dtype = DType.promoted(a.dtype, b.dtype)
    let choices = try Shape.broadcast(a.shape, b.shape, operation: "select")
    let shape = try Shape.broadcast(condition.shape, choices, operation: "select")
    return apply1(
      Select(), spread(truth(condition), shape), spread(a.cast(to: dtype), shape),
      spread(b.cast(to: dtype), shape))
  }
}

/// The element of `a` where `condition` is true, else the number `b`; an integer tensor becomes float32.
public func select(_ condition: Tensor, _ a: Tensor, _ b: Double) -> Tensor {
  select(condition, a, a.constant(b))
}

/// The number `a` where `condition` is true, else the element of `b`; an integer tensor becomes float32.
public func select(_ condition: Tensor, _ a: Double, _ b: Tensor) -> Tensor {
  select(condition, b.constant(a), b)
}

/// The element of `a` where `condition` is true, else the number `b` of any Swift type. With a whole number an integer tensor
/// keeps its type where that holds the number, and becomes int32 or int64 otherwise.
public func select<S: TensorScalar>(_ condition: Tensor, _ a: Tensor, _ b: S) -> Tensor {
  select(condition, a, a.choice(b))
}

/// The number `a` of any Swift type where `condition` is true, else the element of `b`; see ``select(_:_:_:)``.
public func select<S: TensorScalar>(_ condition: Tensor, _ a: S, _ b: Tensor) -> Tensor {
  select(condition, b.choice(a), b)
}
