import CKernels

struct Sqrt: UnaryElementwise {
  static var op: apus_unary_op { APUS_SQRT }

  /// `g / (2 y)`, with output `y`; infinite at 0.
  func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * 0.5 / c.y] }
}

struct Rsqrt: UnaryElementwise {
  static var op: apus_unary_op { APUS_RSQRT }

  /// `-½ g · y³`, with output `y`.
  func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * -0.5 * c.y * square(c.y)] }
}

struct Reciprocal: UnaryElementwise {
  static var op: apus_unary_op { APUS_RECIPROCAL }

  /// `-g · y²`, with output `y`.
  func gradient(_ c: GradientContext) -> [Tensor?] { [-c.g * square(c.y)] }
}

package struct Square: UnaryElementwise {
  package static var op: apus_unary_op { APUS_SQUARE }

  package init() {}

  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * 2 * c.x] }
}

struct Power: BinaryElementwise {
  static var op: apus_binary_op { APUS_POW }

  /// `g · b · a^(b−1)`, which is 0 where `b` is 0 for any `a`, and `g · y · log(a)` with
  /// output `y`, which is 0 where `a` is 0: the limits that JAX takes too.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let (a, b) = (c.inputs[0], c.inputs[1])
    return c.wanted(
      c.g * b * pow(a, select(b .== 0, 1, b - 1)), c.g * c.y * log(select(a .== 0, 1, a)))
  }
}

/// The square root of each element: NaN below 0. Its gradient at 0 is infinite; see ``safeSqrt(_:)``. Integers become
/// float32.
public func sqrt(_ x: Tensor) -> Tensor { apply1(Sqrt(), floating(x)) }

/// `1 / sqrt(x)` of each element: infinity at 0, NaN below. Integers become float32.
public func rsqrt(_ x: Tensor) -> Tensor { apply1(Rsqrt(), floating(x)) }

/// `1 / x` of each element. Integers become float32.
public func reciprocal(_ x: Tensor) -> Tensor { apply1(Reciprocal(), floating(x)) }

/// Each element times itself, in the type of `x`; bool becomes int32.
public func square(_ x: Tensor) -> Tensor { apply1(Square(), numeric(x)) }

/// The square root of each element, with the gradient 0 (and not infinity) at 0. Integers become float32.
public func safeSqrt(_ x: Tensor) -> Tensor { awayFromZero(floating(x), sqrt) }

/// `f(x)`, and 0 without a gradient where `x` is 0.
func awayFromZero(_ x: Tensor, _ f: (Tensor) -> Tensor) -> Tensor {
  // Zeros are kept away from f as well: infinity times 0 is NaN.
  let isZero = x .== 0
  return select(isZero, 0, f(select(isZero, 1, x)))
}

/// `a` raised to the power `b`, element by element; shapes and types as in ``add(_:_:)``, but two tensors of integers make
/// float32.
public func pow(_ a: Tensor, _ b: Tensor) -> Tensor { applyFloating(Power(), a, b) }

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

extension Tensor {
  /// The square root of each element.
  public func sqrt() -> Tensor { Tensors.sqrt(self) }

  /// `1 / sqrt(x)` of each element.
  public func rsqrt() -> Tensor { Tensors.rsqrt(self) }

  /// `1 / x` of each element.
  public func reciprocal() -> Tensor { Tensors.reciprocal(self) }

  /// Each element times itself.
  public func square() -> Tensor { Tensors.square(self) }
}
