import CKernels

/// Elementwise comparison `.>=`.
public struct GreaterEqual: BinaryElementwise {
  /// The kernel.
  public static var op: apus_binary_op { APUS_GE }

  /// The operation.
  public init() {}

  /// bool
  public func outputType(_ input: DType) -> DType { .bool }

  /// None: the types differ.
  public var inPlace: [InPlacePair] { [] }

  /// None: the output is bool.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [nil, nil] }
}

extension Tensor {
  /// bool: whether each element of `a` is at least that of `b`. Shapes broadcast and types
  /// promote as in NumPy.
  public static func .>= (a: Tensor, b: Tensor) -> Tensor {
    combine(GreaterEqual(), a, b)
  }

  /// The same with one number for every element.
  public static func .>= (a: Tensor, b: Double) -> Tensor {
    combine(GreaterEqual(), a, a.comparable(b))
  }

  /// The same with one number for every element.
  public static func .>= (a: Double, b: Tensor) -> Tensor {
    combine(GreaterEqual(), b.comparable(a), b)
  }
}
