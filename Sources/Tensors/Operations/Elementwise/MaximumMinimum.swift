import CKernels

/// The larger or smaller of two elements.
protocol ElementwiseExtremum: BinaryElementwise {
  /// Where the first element is the one that is taken.
  static func isTaken(_ a: Tensor, over b: Tensor) -> Tensor
}

extension ElementwiseExtremum {
  /// `g` goes to the input that was taken, half to each where they are equal (the subgradient that JAX takes).
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let (a, b) = (c.inputs[0], c.inputs[1])
    let share = select(Self.isTaken(a, over: b), 1, select(a .== b, 0.5, b.constant(0)))
    return c.wanted(c.g * share, c.g * (1 - share))
  }
}

struct MaximumOperation: ElementwiseExtremum {
  static var op: apus_binary_op { APUS_MAX }

  static func isTaken(_ a: Tensor, over b: Tensor) -> Tensor { a .> b }
}

struct MinimumOperation: ElementwiseExtremum {
  static var op: apus_binary_op { APUS_MIN }

  static func isTaken(_ a: Tensor, over b: Tensor) -> Tensor { a .< b }
}

/// The larger of two elements; NaN if one is. Equal ones share the gradient. Shapes and types as in ``add(_:_:)``.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { applyNumeric(MaximumOperation(), a, b) }

/// The larger of each element and one number; an integer tensor becomes float32.
public func maximum(_ a: Tensor, _ b: Double) -> Tensor { maximum(a, a.constant(b)) }

/// The larger of each element and one number of any Swift type. With a whole number an integer tensor keeps its type where
/// that holds the number, and becomes int32 or int64 otherwise.
public func maximum<S: TensorScalar>(_ a: Tensor, _ b: S) -> Tensor { maximum(a, a.choice(b)) }

/// The smaller of two elements; NaN if one is. Equal ones share the gradient. Shapes and types as in ``add(_:_:)``.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { applyNumeric(MinimumOperation(), a, b) }

/// The smaller of each element and one number; an integer tensor becomes float32.
public func minimum(_ a: Tensor, _ b: Double) -> Tensor { minimum(a, a.constant(b)) }

/// The smaller of each element and one number of any Swift type; types as in ``maximum(_:_:)-(_,S)``.
public func minimum<S: TensorScalar>(_ a: Tensor, _ b: S) -> Tensor { minimum(a, a.choice(b)) }

/// Each element, or the bound that it lies beyond. At a bound half of the gradient passes.
///
/// Bounds with a fraction make an integer tensor float32.
public func clip(_ x: Tensor, min: Double = -.infinity, max: Double = .infinity) -> Tensor {
  let above = min == -.infinity ? x : maximum(x, min)
  return max == .infinity ? above : minimum(above, max)
}

/// Each element, or the bound, of any Swift type, that it lies beyond. With whole bounds an integer tensor keeps its type where
/// that holds them, and becomes int32 or int64 otherwise.
public func clip<Low: TensorScalar, High: TensorScalar>(
  _ x: Tensor, min: Low, max: High
) -> Tensor {
  minimum(maximum(x, min), max)
}

/// The larger of each element and a bound of any Swift type; see ``clip(_:min:max:)-(_,Low,_)``.
public func clip<Low: TensorScalar>(_ x: Tensor, min: Low) -> Tensor { maximum(x, min) }

/// The smaller of each element and a bound of any Swift type; see ``clip(_:min:max:)-(_,Low,_)``.
public func clip<High: TensorScalar>(_ x: Tensor, max: High) -> Tensor { minimum(x, max) }
