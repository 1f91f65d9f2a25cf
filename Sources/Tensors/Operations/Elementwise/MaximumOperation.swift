import CKernels

/// The larger of two elements.
package struct MaximumOperation: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_MAX }

  /// The operation.
  package init() {}

  /// `g` goes to the larger input, half to each where they are equal (the subgradient that
  /// JAX takes).
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (a, b) = (c.inputs[0], c.inputs[1])
    let share = select(a .> b, 1, select(a .== b, 0.5, b.constant(0)))
    return c.wanted(c.g * share, c.g * (1 - share))
  }
}

/// The larger of two elements; NaN if one is. Shapes broadcast and types promote as in NumPy.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor {
  combine(numeric: MaximumOperation(), a, b)
}

/// The larger of each element and one number; an integer tensor becomes float32.
public func maximum(_ a: Tensor, _ b: Double) -> Tensor { maximum(a, a.constant(b)) }

/// The larger of each element and one number of any Swift type. With a whole number an integer tensor keeps its type where
/// that holds the number, and becomes int32 or int64 otherwise.
public func maximum<S: TensorScalar>(_ a: Tensor, _ b: S) -> Tensor { maximum(a, a.choice(b)) }
