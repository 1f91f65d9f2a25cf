import CKernels

// Tensors with tensors, and with numbers of any Swift type (see `DType.promoted` for the types). The overloads for `Double`
// and `Int`, which are what literals are, are not generic: Swift would take a whole literal for a `Double` before it looks
// at a generic operator.

struct AddOperation: BinaryElementwise {
  static var op: apus_binary_op { APUS_ADD }

  /// `g` for both.
  func gradient(_ c: GradientContext) -> [Tensor?] { [c.g, c.g] }
}

struct SubtractOperation: BinaryElementwise {
  static var op: apus_binary_op { APUS_SUB }

  /// `g` and `-g`.
  func gradient(_ c: GradientContext) -> [Tensor?] { c.wanted(c.g, -c.g) }
}

struct MultiplyOperation: BinaryElementwise {
  static var op: apus_binary_op { APUS_MUL }

  /// `g · b` and `g · a`.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    c.wanted(c.g * c.inputs[1], c.g * c.inputs[0])
  }
}

struct Divide: BinaryElementwise {
  static var op: apus_binary_op { APUS_DIV }

  /// `g / b` and `-g · y / b`, with output `y`.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let quotient = c.g / c.inputs[1]
    return c.wanted(quotient, -quotient * c.y)
  }
}

struct Modulo: BinaryElementwise {
  static var op: apus_binary_op { APUS_MOD }

  /// `g` and `-g · floor(a / b)`.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    c.wanted(c.g, -c.g * floor(c.inputs[0] / c.inputs[1]))
  }
}

/// `a + b`, as a function to hand to others.
///
/// The result has the shape to which both broadcast (``broadcast(_:to:)``), and the type that theirs promote to
/// (``DType/promoted(_:_:)``); two tensors of bool count as int32.
public func add(_ a: Tensor, _ b: Tensor) -> Tensor { a + b }

/// `a - b`, as a function to hand to others; see ``add(_:_:)``.
public func subtract(_ a: Tensor, _ b: Tensor) -> Tensor { a - b }

/// `a * b`, as a function to hand to others; see ``add(_:_:)``.
public func multiply(_ a: Tensor, _ b: Tensor) -> Tensor { a * b }

/// `a / b`, as a function to hand to others; see ``add(_:_:)``. Two tensors of integers make float32.
public func divide(_ a: Tensor, _ b: Tensor) -> Tensor { a / b }

extension Tensor {
  /// `a + b`, element by element. Shapes broadcast (``broadcast(_:to:)``) and types promote
  /// (``DType/promoted(_:_:)``); bool counts as int32, and integers wrap around beyond their range.
  public static func + (a: Tensor, b: Tensor) -> Tensor { applyNumeric(AddOperation(), a, b) }

  /// The sum of each element and one number.
  public static func + (a: Tensor, b: Double) -> Tensor { a + a.constant(b) }

  /// The sum of one number and each element.
  public static func + (a: Double, b: Tensor) -> Tensor { b.constant(a) + b }

  /// The sum of each element and one whole number.
  public static func + (a: Tensor, b: Int) -> Tensor { a + a.constant(b) }

  /// The sum of one whole number and each element.
  public static func + (a: Int, b: Tensor) -> Tensor { b.constant(a) + b }

  /// The sum of each element and one number of any Swift type.
  public static func + <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a + a.constant(b) }

  /// The sum of one number of any Swift type and each element.
  public static func + <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.constant(a) + b }
}

extension Tensor {
  /// `a - b`, element by element; shapes and types as in ``add(_:_:)``.
  public static func - (a: Tensor, b: Tensor) -> Tensor { applyNumeric(SubtractOperation(), a, b) }

  /// The difference of each element and one number.
  public static func - (a: Tensor, b: Double) -> Tensor { a - a.constant(b) }

  /// The difference of one number and each element.
  public static func - (a: Double, b: Tensor) -> Tensor { b.constant(a) - b }

  /// The difference of each element and one whole number.
  public static func - (a: Tensor, b: Int) -> Tensor { a - a.constant(b) }

  /// The difference of one whole number and each element.
  public static func - (a: Int, b: Tensor) -> Tensor { b.constant(a) - b }

  /// The difference of each element and one number of any Swift type.
  public static func - <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a - a.constant(b) }

  /// The difference of one number of any Swift type and each element.
  public static func - <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.constant(a) - b }
}

extension Tensor {
  /// `a * b`, element by element; shapes and types as in ``add(_:_:)``.
  public static func * (a: Tensor, b: Tensor) -> Tensor { applyNumeric(MultiplyOperation(), a, b) }

  /// The product of each element and one number.
  public static func * (a: Tensor, b: Double) -> Tensor { a * a.constant(b) }

  /// The product of one number and each element.
  public static func * (a: Double, b: Tensor) -> Tensor { b.constant(a) * b }

  /// The product of each element and one whole number.
  public static func * (a: Tensor, b: Int) -> Tensor { a * a.constant(b) }

  /// The product of one whole number and each element.
  public static func * (a: Int, b: Tensor) -> Tensor { b.constant(a) * b }

  /// The product of each element and one number of any Swift type.
  public static func * <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a * a.constant(b) }

  /// The product of one number of any Swift type and each element.
  public static func * <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.constant(a) * b }
}

extension Tensor {
  /// `a / b`, element by element; shapes and types as in ``add(_:_:)``, but two tensors of integers make float32.
  public static func / (a: Tensor, b: Tensor) -> Tensor { applyFloating(Divide(), a, b) }

  /// The quotient of each element and one number.
  public static func / (a: Tensor, b: Double) -> Tensor { a / a.constant(b) }

  /// The quotient of one number and each element.
  public static func / (a: Double, b: Tensor) -> Tensor { b.constant(a) / b }

  /// The quotient of each element and one whole number.
  public static func / (a: Tensor, b: Int) -> Tensor { a / a.constant(b) }

  /// The quotient of one whole number and each element.
  public static func / (a: Int, b: Tensor) -> Tensor { b.constant(a) / b }

  /// The quotient of each element and one number of any Swift type.
  public static func / <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a / a.constant(b) }

  /// The quotient of one number of any Swift type and each element.
  public static func / <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.constant(a) / b }
}

extension Tensor {
  /// The remainder `a - b · floor(a / b)`, element by element, which has the sign of `b`; shapes and types as in
  /// ``add(_:_:)``.
  public static func % (a: Tensor, b: Tensor) -> Tensor { applyNumeric(Modulo(), a, b) }

  /// The remainder of each element and one number.
  public static func % (a: Tensor, b: Double) -> Tensor { a % a.constant(b) }

  /// The remainder of one number and each element.
  public static func % (a: Double, b: Tensor) -> Tensor { b.constant(a) % b }

  /// The remainder of each element and one whole number.
  public static func % (a: Tensor, b: Int) -> Tensor { a % a.constant(b) }

  /// The remainder of one whole number and each element.
  public static func % (a: Int, b: Tensor) -> Tensor { b.constant(a) % b }

  /// The remainder of each element and one number of any Swift type.
  public static func % <S: TensorScalar>(a: Tensor, b: S) -> Tensor { a % a.constant(b) }

  /// The remainder of one number of any Swift type and each element.
  public static func % <S: TensorScalar>(a: S, b: Tensor) -> Tensor { b.constant(a) % b }
}
