import CKernels

/// The smaller of two elements.
package struct MinimumOperation: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_MIN }

  /// The operation.
  package init() {}

  /// `g` goes to the smaller input, half to each where they are equal (the subgradient that
  /// JAX takes).
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (a, b) = (c.inputs[0], c.inputs[1])
    let share = select(a .< b, 1, select(a .== b, 0.5, b.constant(0)))
    return c.wanted(c.g * share, c.g * (1 - share))
  }
}

/// The smaller of two elements; NaN if one is. Shapes broadcast and types promote as in NumPy.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor {
  combine(numeric: MinimumOperation(), a, b)
}

/// The smaller of each element and one number; an integer tensor becomes float32.
public func minimum(_ a: Tensor, _ b: Double) -> Tensor { minimum(a, a.constant(b)) }

/// The smaller of each element and one number of any Swift type. With a whole number an integer tensor keeps its type where
/// that holds the number, and becomes int32 or int64 otherwise.
public func minimum<S: TensorScalar>(_ a: Tensor, _ b: S) -> Tensor { minimum(a, a.choice(b)) }
