import CKernels

/// Elementwise power.
package struct Power: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_POW }

  /// The operation.
  package init() {}

  /// `g · b · a^(b−1)`, which is 0 where `b` is 0 for any `a`, and `g · y · log(a)` with
  /// output `y`, which is 0 where `a` is 0: the limits that JAX takes too.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (a, b) = (c.inputs[0], c.inputs[1])
    return c.wanted(
      c.g * b * pow(a, select(b .== 0, 1, b - 1)), c.g * c.y * log(select(a .== 0, 1, a)))
  }
}

/// `a` raised to the power `b`, element by element. Shapes broadcast and types promote as in
/// NumPy; integers become float32.
public func pow(_ a: Tensor, _ b: Tensor) -> Tensor {
  combine(fractional: Power(), a, b)
}

/// `a` raised to one power, element by element; integers become float32.
///
/// The powers 1, 2, 0.5 and -1 are computed by multiplication, square root and division.
public func pow(_ a: Tensor, _ b: Double) -> Tensor {
  switch b {
  case 1: floating(a)
  case 2: square(floating(a))
  case 0.5: sqrt(a)
  case -1: reciprocal(a)
  default: apply1(Power(), floating(a), a.constant(b))
  }
}

/// `a` raised to one power of any Swift type, element by element; integers become float32.
public func pow<S: TensorScalar>(_ a: Tensor, _ b: S) -> Tensor { pow(a, b.doubleValue) }
