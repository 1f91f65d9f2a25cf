/// Runs a function whose checks throw; the enclosing error scope keeps the error, see
/// ``withErrors(_:)``.
package func attempt(_ body: () throws -> Tensor) -> Tensor {
  do { return try body() } catch { return fail(error) }
}

/// `x` itself when its type has a fraction, otherwise `x` as float32.
package func floating(_ x: Tensor) -> Tensor { x.dtype.isFloating ? x : x.cast(to: .float32) }

/// `x` as something to compute with: bool becomes int32, as a count.
func numeric(_ x: Tensor) -> Tensor { x.dtype == .bool ? x.cast(to: .int32) : x }

/// `x` as something to add up or multiply: bool and uint8 become int64, as in NumPy.
func countable(_ x: Tensor) -> Tensor {
  x.dtype == .bool || x.dtype == .uint8 ? x.cast(to: .int64) : x
}

/// `x` as bool: whether each element differs from 0.
func boolean(_ x: Tensor) -> Tensor { x.cast(to: .bool) }

extension Shape {
  /// The shape that two shapes broadcast to; for the rule see ``broadcast(_:to:)``.
  ///
  /// - Parameters:
  ///   - a: a shape.
  ///   - b: another one.
  ///   - operation: what is to be done, for the message.
  /// - Returns: the longer of the lengths of each axis.
  /// - Throws: ``EngineError/shape(operation:message:)`` when two lengths differ and neither is 1.
  package static func broadcast(
    _ a: Shape, _ b: Shape, operation: String
  ) throws(EngineError) -> Shape {
    if a == b { return a }
    let rank = Swift.max(a.rank, b.rank)
    var dimensions = [Int](repeating: 1, count: rank)
    for axis in 1...Swift.max(rank, 1) where axis <= rank {
      let m = axis <= a.rank ? a.dimensions[a.rank - axis] : 1
      let n = axis <= b.rank ? b.dimensions[b.rank - axis] : 1
      guard m == n || m == 1 || n == 1 else {
        throw .shape(
          operation: operation,
          message: """
            cannot combine \(a) and \(b): axis \(-axis) has lengths \(m) and \(n), which must be \
            equal or one of them 1
            """)
      }
      dimensions[rank - axis] = m == 1 ? n : m
    }
    return Shape(dimensions)
  }
}

/// Applies a binary primitive after promotion (``DType/promoted(_:_:)``) and broadcasting (``broadcast(_:to:)``).
func applyBroadcast(_ primitive: some Primitive, _ a: Tensor, _ b: Tensor) -> Tensor {
  if a.shape == b.shape && a.dtype == b.dtype { return apply1(primitive, a, b) }
  return attempt {
    let dtype = DType.promoted(a.dtype, b.dtype)
    let shape = try Shape.broadcast(a.shape, b.shape, operation: primitive.name)
    return apply1(
      primitive, a.cast(to: dtype).broadcast(to: shape), b.cast(to: dtype).broadcast(to: shape))
  }
}

/// As ``applyBroadcast(_:_:_:)`` for a primitive that computes with numbers: two bool tensors become int32, as counts.
func applyNumeric(_ primitive: some Primitive, _ a: Tensor, _ b: Tensor) -> Tensor {
  a.dtype == .bool && b.dtype == .bool
    ? applyBroadcast(primitive, numeric(a), numeric(b)) : applyBroadcast(primitive, a, b)
}

/// As ``applyBroadcast(_:_:_:)`` for a primitive that needs a fraction: when neither input has one, both become float32.
func applyFloating(_ primitive: some Primitive, _ a: Tensor, _ b: Tensor) -> Tensor {
  a.dtype.isFloating || b.dtype.isFloating
    ? applyBroadcast(primitive, a, b) : applyBroadcast(primitive, floating(a), floating(b))
}

extension Tensor {
  /// A number with a fraction of this tensor's shape to compute with: of its type, or float32 when that is not
  /// floating.
  func constant(_ value: Double) -> Tensor {
    .full(shape, value, dtype: dtype.isFloating ? dtype : .float32)
  }

  /// A constant of this tensor's shape to compare with, in a type that holds both exactly.
  ///
  /// A whole number is compared with an integer tensor as an integer: float32 would round above
  /// 2^24.
  func comparable(_ value: Double) -> Tensor {
    if dtype.isFloating { return .full(shape, value, dtype: dtype) }
    if let whole = Int64(exactly: value) {
      let scalar = Tensor([whole], shape: [], dtype: .int64)
      return scalar.broadcast(to: shape)
    }
    return .full(shape, value, dtype: .float64)
  }

  /// A whole number of this tensor's shape to compute with: of its type when that is floating, else what
  /// `Tensor(value)` is (int32, or int64 when it does not fit), so that the result is the wider of the two.
  func constant(_ value: Int) -> Tensor {
    if dtype.isFloating { return .full(shape, value, dtype: dtype) }
    let scalar = Tensor(value)
    return shape.rank == 0 ? scalar : scalar.repeated(shape)
  }

  /// A whole number of this tensor's shape to choose or compare with: of its type where that holds it.
  ///
  /// Nothing is computed that could leave the type's range, so bytes stay bytes.
  func choice(_ value: Int) -> Tensor {
    let own = dtype != .bool && dtype.integerRange.contains(Int64(value))
    return own ? .full(shape, value, dtype: dtype) : constant(value)
  }

  /// A number of any Swift type of this tensor's shape to compute with; a whole number as its own type.
  func constant<S: TensorScalar>(_ value: S) -> Tensor {
    guard let whole = value.integerValue else { return constant(value.doubleValue) }
    if S.self == Int.self || dtype.isFloating { return constant(whole) }
    return Tensor(value).repeated(shape)
  }

  /// A number of any Swift type of this tensor's shape to choose between.
  func choice<S: TensorScalar>(_ value: S) -> Tensor {
    value.integerValue.map(choice) ?? constant(value.doubleValue)
  }

  /// A number of any Swift type of this tensor's shape to compare with, in a type that holds both exactly.
  func comparable<S: TensorScalar>(_ value: S) -> Tensor {
    value.integerValue.map(choice) ?? comparable(value.doubleValue)
  }
}
