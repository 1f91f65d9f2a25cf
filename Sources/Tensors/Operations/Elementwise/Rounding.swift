import CKernels

struct Ceil: UnaryElementwise, NonDifferentiable {
  static var op: apus_unary_op { APUS_CEIL }
}

struct Floor: UnaryElementwise, NonDifferentiable {
  static var op: apus_unary_op { APUS_FLOOR }
}

struct Round: UnaryElementwise, NonDifferentiable {
  static var op: apus_unary_op { APUS_ROUND }
}

/// The smallest whole number not below each element. Integers become float32.
public func ceil(_ x: Tensor) -> Tensor { apply1(Ceil(), floating(x)) }

/// The largest whole number not above each element. Integers become float32.
public func floor(_ x: Tensor) -> Tensor { apply1(Floor(), floating(x)) }

/// The whole number nearest to each element; halves go to the even one, as in NumPy. Integers become float32.
public func round(_ x: Tensor) -> Tensor { apply1(Round(), floating(x)) }

extension Tensor {
  /// The smallest whole number not below each element.
  public func ceil() -> Tensor { Tensors.ceil(self) }

  /// The largest whole number not above each element.
  public func floor() -> Tensor { Tensors.floor(self) }

  /// The whole number nearest to each element; halves go to the even one.
  public func round() -> Tensor { Tensors.round(self) }
}
