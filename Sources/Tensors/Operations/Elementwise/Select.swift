import CKernels

struct Select: Elementwise {
  /// The common shape of a bool condition and two choices of one scalar type.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
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

  /// The choice in C, by the type of the choices.
  func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    ElementwiseKernel(apus_select(inputs[1].code), output: inputs[1])
  }

  /// `g` where the choice was taken, 0 elsewhere; none for the condition.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    c.wanted(nil, select(c.x, c.g, 0), select(c.x, 0, c.g))
  }
}

/// The element of `a` where `condition` is true (or not zero), else that of `b`.
///
/// All three shapes broadcast (``broadcast(_:to:)``), and the types of `a` and `b` promote (``DType/promoted(_:_:)``).
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
      Select(), boolean(condition).broadcast(to: shape), a.cast(to: dtype).broadcast(to: shape),
      b.cast(to: dtype).broadcast(to: shape))
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
