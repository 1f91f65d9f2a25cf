// Tensors and numbers of any Swift type. The overloads for `Double`, which literals with a point are, stand beside their
// operations; those for `Int` are not generic because Swift would take a whole literal for a `Double` before it looks at a
// generic operator.
//
// A whole number leaves an integer tensor an integer: `x + n` is `x + Tensor(n)`, so bool and uint8 become int32 with an
// `Int`, and what does not fit int32 becomes int64. A number with a fraction makes it float32.

// MARK: Arithmetic

extension Tensor {
  /// The sum with one whole number for every element.
  public static func + (a: Tensor, b: Int) -> Tensor {
    combine(numeric: AddOperation(), a, a.constant(b))
  }

  /// The sum with one whole number for every element.
  public static func + (a: Int, b: Tensor) -> Tensor {
    combine(numeric: AddOperation(), b.constant(a), b)
  }

  /// The sum with one number of any Swift type for every element.
  public static func + <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(numeric: AddOperation(), a, a.constant(b))
  }

  /// The sum with one number of any Swift type for every element.
  public static func + <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(numeric: AddOperation(), b.constant(a), b)
  }

  /// The difference with one whole number for every element.
  public static func - (a: Tensor, b: Int) -> Tensor {
    combine(numeric: SubtractOperation(), a, a.constant(b))
  }

  /// The difference with one whole number for every element.
  public static func - (a: Int, b: Tensor) -> Tensor {
    combine(numeric: SubtractOperation(), b.constant(a), b)
  }

  /// The difference with one number of any Swift type for every element.
  public static func - <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(numeric: SubtractOperation(), a, a.constant(b))
  }

  /// The difference with one number of any Swift type for every element.
  public static func - <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(numeric: SubtractOperation(), b.constant(a), b)
  }

  /// The product with one whole number for every element.
  public static func * (a: Tensor, b: Int) -> Tensor {
    combine(numeric: MultiplyOperation(), a, a.constant(b))
  }

  /// The product with one whole number for every element.
  public static func * (a: Int, b: Tensor) -> Tensor {
    combine(numeric: MultiplyOperation(), b.constant(a), b)
  }

  /// The product with one number of any Swift type for every element.
  public static func * <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(numeric: MultiplyOperation(), a, a.constant(b))
  }

  /// The product with one number of any Swift type for every element.
  public static func * <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(numeric: MultiplyOperation(), b.constant(a), b)
  }

  /// The quotient with one whole number for every element; integers become float32.
  public static func / (a: Tensor, b: Int) -> Tensor {
    combine(fractional: Divide(), a, a.constant(b))
  }

  /// The quotient with one whole number for every element; integers become float32.
  public static func / (a: Int, b: Tensor) -> Tensor {
    combine(fractional: Divide(), b.constant(a), b)
  }

  /// The quotient with one number of any Swift type for every element; integers become float32.
  public static func / <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(fractional: Divide(), a, a.constant(b))
  }

  /// The quotient with one number of any Swift type for every element; integers become float32.
  public static func / <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(fractional: Divide(), b.constant(a), b)
  }

  /// The remainder with one whole number for every element.
  public static func % (a: Tensor, b: Int) -> Tensor {
    combine(numeric: Modulo(), a, a.constant(b))
  }

  /// The remainder with one whole number for every element.
  public static func % (a: Int, b: Tensor) -> Tensor {
    combine(numeric: Modulo(), b.constant(a), b)
  }

  /// The remainder with one number of any Swift type for every element.
  public static func % <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(numeric: Modulo(), a, a.constant(b))
  }

  /// The remainder with one number of any Swift type for every element.
  public static func % <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(numeric: Modulo(), b.constant(a), b)
  }
}

// MARK: Comparisons

extension Tensor {
  /// `a .== b` for each element and one whole number, exactly.
  public static func .== (a: Tensor, b: Int) -> Tensor {
    combine(Equal(), a, a.choice(b))
  }

  /// `a .== b` for one whole number and each element, exactly.
  public static func .== (a: Int, b: Tensor) -> Tensor {
    combine(Equal(), b.choice(a), b)
  }

  /// `a .== b` for each element and one number of any Swift type, exactly.
  public static func .== <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(Equal(), a, a.comparable(b))
  }

  /// `a .== b` for one number of any Swift type and each element, exactly.
  public static func .== <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(Equal(), b.comparable(a), b)
  }

  /// `a .!= b` for each element and one whole number, exactly.
  public static func .!= (a: Tensor, b: Int) -> Tensor {
    combine(NotEqual(), a, a.choice(b))
  }

  /// `a .!= b` for one whole number and each element, exactly.
  public static func .!= (a: Int, b: Tensor) -> Tensor {
    combine(NotEqual(), b.choice(a), b)
  }

  /// `a .!= b` for each element and one number of any Swift type, exactly.
  public static func .!= <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(NotEqual(), a, a.comparable(b))
  }

  /// `a .!= b` for one number of any Swift type and each element, exactly.
  public static func .!= <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(NotEqual(), b.comparable(a), b)
  }

  /// `a .< b` for each element and one whole number, exactly.
  public static func .< (a: Tensor, b: Int) -> Tensor {
    combine(Less(), a, a.choice(b))
  }

  /// `a .< b` for one whole number and each element, exactly.
  public static func .< (a: Int, b: Tensor) -> Tensor {
    combine(Less(), b.choice(a), b)
  }

  /// `a .< b` for each element and one number of any Swift type, exactly.
  public static func .< <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(Less(), a, a.comparable(b))
  }

  /// `a .< b` for one number of any Swift type and each element, exactly.
  public static func .< <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(Less(), b.comparable(a), b)
  }

  /// `a .<= b` for each element and one whole number, exactly.
  public static func .<= (a: Tensor, b: Int) -> Tensor {
    combine(LessEqual(), a, a.choice(b))
  }

  /// `a .<= b` for one whole number and each element, exactly.
  public static func .<= (a: Int, b: Tensor) -> Tensor {
    combine(LessEqual(), b.choice(a), b)
  }

  /// `a .<= b` for each element and one number of any Swift type, exactly.
  public static func .<= <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(LessEqual(), a, a.comparable(b))
  }

  /// `a .<= b` for one number of any Swift type and each element, exactly.
  public static func .<= <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(LessEqual(), b.comparable(a), b)
  }

  /// `a .> b` for each element and one whole number, exactly.
  public static func .> (a: Tensor, b: Int) -> Tensor {
    combine(Greater(), a, a.choice(b))
  }

  /// `a .> b` for one whole number and each element, exactly.
  public static func .> (a: Int, b: Tensor) -> Tensor {
    combine(Greater(), b.choice(a), b)
  }

  /// `a .> b` for each element and one number of any Swift type, exactly.
  public static func .> <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(Greater(), a, a.comparable(b))
  }

  /// `a .> b` for one number of any Swift type and each element, exactly.
  public static func .> <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(Greater(), b.comparable(a), b)
  }

  /// `a .>= b` for each element and one whole number, exactly.
  public static func .>= (a: Tensor, b: Int) -> Tensor {
    combine(GreaterEqual(), a, a.choice(b))
  }

  /// `a .>= b` for one whole number and each element, exactly.
  public static func .>= (a: Int, b: Tensor) -> Tensor {
    combine(GreaterEqual(), b.choice(a), b)
  }

  /// `a .>= b` for each element and one number of any Swift type, exactly.
  public static func .>= <S: TensorScalar>(a: Tensor, b: S) -> Tensor {
    combine(GreaterEqual(), a, a.comparable(b))
  }

  /// `a .>= b` for one number of any Swift type and each element, exactly.
  public static func .>= <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
    combine(GreaterEqual(), b.comparable(a), b)
  }
}
