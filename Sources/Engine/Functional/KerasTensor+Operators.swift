import Tensors

// Operators on symbolic tensors; each is a layer. A number stays in the layer's function.
extension KerasTensor {
  /// The sum, with NumPy's rules of broadcasting.
  public static func + (a: Self, b: Self) -> Self { apply("add", [a, b]) { $0[0] + $0[1] } }
  /// `a + b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func + (a: Self, b: Double) -> Self { a.map("add") { $0 + b } }
  /// `a + b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func + (a: Double, b: Self) -> Self { b.map("add") { a + $0 } }
  /// `a + b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func + (a: Self, b: Int) -> Self { a.map("add") { $0 + b } }
  /// `a + b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func + (a: Int, b: Self) -> Self { b.map("add") { a + $0 } }
  /// `a + b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func + <S: TensorScalar>(a: Self, b: S) -> Self { a.map("add") { $0 + b } }
  /// `a + b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func + <S: TensorScalar>(a: S, b: Self) -> Self { b.map("add") { a + $0 } }

  /// The difference, with NumPy's rules of broadcasting.
  public static func - (a: Self, b: Self) -> Self { apply("subtract", [a, b]) { $0[0] - $0[1] } }
  /// `a - b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func - (a: Self, b: Double) -> Self { a.map("subtract") { $0 - b } }
  /// `a - b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func - (a: Double, b: Self) -> Self { b.map("subtract") { a - $0 } }
  /// `a - b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func - (a: Self, b: Int) -> Self { a.map("subtract") { $0 - b } }
  /// `a - b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func - (a: Int, b: Self) -> Self { b.map("subtract") { a - $0 } }
  /// `a - b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func - <S: TensorScalar>(a: Self, b: S) -> Self { a.map("subtract") { $0 - b } }
  /// `a - b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func - <S: TensorScalar>(a: S, b: Self) -> Self { b.map("subtract") { a - $0 } }

  /// The product, element by element, with NumPy's rules of broadcasting.
  public static func * (a: Self, b: Self) -> Self { apply("multiply", [a, b]) { $0[0] * $0[1] } }
  /// `a * b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func * (a: Self, b: Double) -> Self { a.map("multiply") { $0 * b } }
  /// `a * b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func * (a: Double, b: Self) -> Self { b.map("multiply") { a * $0 } }
  /// `a * b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func * (a: Self, b: Int) -> Self { a.map("multiply") { $0 * b } }
  /// `a * b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func * (a: Int, b: Self) -> Self { b.map("multiply") { a * $0 } }
  /// `a * b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func * <S: TensorScalar>(a: Self, b: S) -> Self { a.map("multiply") { $0 * b } }
  /// `a * b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func * <S: TensorScalar>(a: S, b: Self) -> Self { b.map("multiply") { a * $0 } }

  /// The quotient, element by element, with NumPy's rules of broadcasting.
  public static func / (a: Self, b: Self) -> Self { apply("divide", [a, b]) { $0[0] / $0[1] } }
  /// `a / b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func / (a: Self, b: Double) -> Self { a.map("divide") { $0 / b } }
  /// `a / b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func / (a: Double, b: Self) -> Self { b.map("divide") { a / $0 } }
  /// `a / b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func / (a: Self, b: Int) -> Self { a.map("divide") { $0 / b } }
  /// `a / b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func / (a: Int, b: Self) -> Self { b.map("divide") { a / $0 } }
  /// `a / b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func / <S: TensorScalar>(a: Self, b: S) -> Self { a.map("divide") { $0 / b } }
  /// `a / b` element by element, of the shape of the symbolic tensor; the number joins as in ``Tensor``.
  public static func / <S: TensorScalar>(a: S, b: Self) -> Self { b.map("divide") { a / $0 } }

  /// The tensor with other signs.
  public static prefix func - (x: Self) -> Self { x.map("negative") { -$0 } }

  /// A part, as the subscript of ``Tensor`` gives it; the first entry is for the batch: `x[.all, 0]`.
  public subscript(_ entries: any TensorIndex...) -> KerasTensor {
    let selections = entries.map(\.selection)
    return map("get_item") { $0.part(selections) }
  }
}
