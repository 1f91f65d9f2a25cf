import CKernels

// Numbers of any Swift type are compared exactly, in a type that holds them and the tensor's elements. About the overloads
// see `Arithmetic.swift`.

/// A comparison of two elements.
protocol Comparison: BinaryElementwise, NonDifferentiable {}

extension Comparison {
  /// bool
  func outputType(_ input: DType) -> DType { .bool }
}

struct Equal: Comparison {
  static var op: apus_binary_op { APUS_EQ }
}

struct NotEqual: Comparison {
  static var op: apus_binary_op { APUS_NE }
}

struct Less: Comparison {
  static var op: apus_binary_op { APUS_LT }
}

struct LessEqual: Comparison {
  static var op: apus_binary_op { APUS_LE }
}

struct Greater: Comparison {
  static var op: apus_binary_op { APUS_GT }
}

struct GreaterEqual: Comparison {
  static var op: apus_binary_op { APUS_GE }
}

extension Tensor {
  /// bool: whether each element of `a` is equal to that of `b`. Shapes broadcast (``broadcast(_:to:)``) and types promote
  /// (``DType/promoted(_:_:)``).
  public static func .== (a: Tensor, b: Tensor) -> Tensor { applyBroadcast(Equal(), a, b) }

  /// bool: whether each element is equal to one number.
  public static func .== (a: Tensor, b: Double) -> Tensor { a .== a.comparable(b) }

  /// bool: whether one number is equal to each element.
  public static func .== (a: Double, b: Tensor) -> Tensor { b.comparable(a) .== b }

  /// bool: whether each element is equal to one whole number.
  public static func .== (a: Tensor, b: Int) -> Tensor { a .== a.comparable(b) }

  /// bool: whether one whole number is equal to each element.
  public static func .== (a: Int, b: Tensor) -> Tensor { b.comparable(a) .== b }

  /// bool: whether each element is equal to one number of any Swift type.
  public static func .== <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a .== a.comparable(b) }

  /// bool: whether one number of any Swift type is equal to each element.
  public static func .== <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.comparable(a) .== b }
}

extension Tensor {
  /// bool: whether each element of `a` differs from that of `b`. Shapes broadcast (``broadcast(_:to:)``) and types promote
  /// (``DType/promoted(_:_:)``).
  public static func .!= (a: Tensor, b: Tensor) -> Tensor { applyBroadcast(NotEqual(), a, b) }

  /// bool: whether each element differs from one number.
  public static func .!= (a: Tensor, b: Double) -> Tensor { a .!= a.comparable(b) }

  /// bool: whether one number differs from each element.
  public static func .!= (a: Double, b: Tensor) -> Tensor { b.comparable(a) .!= b }

  /// bool: whether each element differs from one whole number.
  public static func .!= (a: Tensor, b: Int) -> Tensor { a .!= a.comparable(b) }

  /// bool: whether one whole number differs from each element.
  public static func .!= (a: Int, b: Tensor) -> Tensor { b.comparable(a) .!= b }

  /// bool: whether each element differs from one number of any Swift type.
  public static func .!= <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a .!= a.comparable(b) }

  /// bool: whether one number of any Swift type differs from each element.
  public static func .!= <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.comparable(a) .!= b }
}

extension Tensor {
  /// bool: whether each element of `a` is less than that of `b`. Shapes broadcast (``broadcast(_:to:)``) and types promote
  /// (``DType/promoted(_:_:)``).
  public static func .< (a: Tensor, b: Tensor) -> Tensor { applyBroadcast(Less(), a, b) }

  /// bool: whether each element is less than one number.
  public static func .< (a: Tensor, b: Double) -> Tensor { a .< a.comparable(b) }

  /// bool: whether one number is less than each element.
  public static func .< (a: Double, b: Tensor) -> Tensor { b.comparable(a) .< b }

  /// bool: whether each element is less than one whole number.
  public static func .< (a: Tensor, b: Int) -> Tensor { a .< a.comparable(b) }

  /// bool: whether one whole number is less than each element.
  public static func .< (a: Int, b: Tensor) -> Tensor { b.comparable(a) .< b }

  /// bool: whether each element is less than one number of any Swift type.
  public static func .< <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a .< a.comparable(b) }

  /// bool: whether one number of any Swift type is less than each element.
  public static func .< <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.comparable(a) .< b }
}

extension Tensor {
  /// bool: whether each element of `a` is at most that of `b`. Shapes broadcast (``broadcast(_:to:)``) and types promote
  /// (``DType/promoted(_:_:)``).
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { applyBroadcast(LessEqual(), a, b) }

  /// bool: whether each element is at most one number.
  public static func .<= (a: Tensor, b: Double) -> Tensor { a .<= a.comparable(b) }

  /// bool: whether one number is at most each element.
  public static func .<= (a: Double, b: Tensor) -> Tensor { b.comparable(a) .<= b }

  /// bool: whether each element is at most one whole number.
  public static func .<= (a: Tensor, b: Int) -> Tensor { a .<= a.comparable(b) }

  /// bool: whether one whole number is at most each element.
  public static func .<= (a: Int, b: Tensor) -> Tensor { b.comparable(a) .<= b }

  /// bool: whether each element is at most one number of any Swift type.
  public static func .<= <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a .<= a.comparable(b) }

  /// bool: whether one number of any Swift type is at most each element.
  public static func .<= <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.comparable(a) .<= b }
}

extension Tensor {
  /// bool: whether each element of `a` is greater than that of `b`. Shapes broadcast (``broadcast(_:to:)``) and types promote
  /// (``DType/promoted(_:_:)``).
  public static func .> (a: Tensor, b: Tensor) -> Tensor { applyBroadcast(Greater(), a, b) }

  /// bool: whether each element is greater than one number.
  public static func .> (a: Tensor, b: Double) -> Tensor { a .> a.comparable(b) }

  /// bool: whether one number is greater than each element.
  public static func .> (a: Double, b: Tensor) -> Tensor { b.comparable(a) .> b }

  /// bool: whether each element is greater than one whole number.
  public static func .> (a: Tensor, b: Int) -> Tensor { a .> a.comparable(b) }

  /// bool: whether one whole number is greater than each element.
  public static func .> (a: Int, b: Tensor) -> Tensor { b.comparable(a) .> b }

  /// bool: whether each element is greater than one number of any Swift type.
  public static func .> <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a .> a.comparable(b) }

  /// bool: whether one number of any Swift type is greater than each element.
  public static func .> <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.comparable(a) .> b }
}

extension Tensor {
  /// bool: whether each element of `a` is at least that of `b`. Shapes broadcast (``broadcast(_:to:)``) and types promote
  /// (``DType/promoted(_:_:)``).
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { applyBroadcast(GreaterEqual(), a, b) }

  /// bool: whether each element is at least one number.
  public static func .>= (a: Tensor, b: Double) -> Tensor { a .>= a.comparable(b) }

  /// bool: whether one number is at least each element.
  public static func .>= (a: Double, b: Tensor) -> Tensor { b.comparable(a) .>= b }

  /// bool: whether each element is at least one whole number.
  public static func .>= (a: Tensor, b: Int) -> Tensor { a .>= a.comparable(b) }

  /// bool: whether one whole number is at least each element.
  public static func .>= (a: Int, b: Tensor) -> Tensor { b.comparable(a) .>= b }

  /// bool: whether each element is at least one number of any Swift type.
  public static func .>= <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a .>= a.comparable(b) }

  /// bool: whether one number of any Swift type is at least each element.
  public static func .>= <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.comparable(a) .>= b }
}
