extension Tensor {
  /// A row-major tensor whose bytes `initializing` writes.
  ///
  /// A negative length fails with ``EngineError/shape(operation:message:)``, and `initializing` is not called.
  ///
  /// - Parameters:
  ///   - shape: the lengths of the axes.
  ///   - dtype: the type of the elements.
  ///   - initializing: gets the first byte; must write `shape.elementCount * dtype.size` bytes.
  /// - Throws: what `initializing` throws.
  public init(
    shape: Shape, dtype: DType, initializing: (UnsafeMutableRawPointer) throws -> Void
  ) rethrows {
    do throws(EngineError) { try shape.expectCountable("Tensor") } catch {
      self = fail(error)
      return
    }
    let storage = Storage(byteCount: shape.elementCount * dtype.size)
    try initializing(storage.pointer)
    self.init(layout: Layout(rowMajor: shape), dtype: dtype, storage: storage)
  }

  /// A scalar. A `Double` becomes float32 and an `Int` int32 (int64 when it does not fit) unless `dtype` says
  /// otherwise; converted as ``init(_:shape:dtype:)-([S],_,_)`` says.
  public init<S: TensorScalar>(_ scalar: S, dtype: DType? = nil) {
    self = attempt {
      try Swift.withUnsafeBytes(of: scalar) {
        try Tensor(converting: $0, of: S.self, count: 1, shape: [], dtype: dtype)
      }
    }
  }

  /// A tensor of `scalars` in row-major order; of rank 1 without a `shape`.
  ///
  /// `Double` values become float32 and `Int` values int32 (what Swift's literals are) unless `dtype` says otherwise.
  /// When an `Int` does not fit int32, all of them become int64.
  ///
  /// An integer type cuts off fractions. A value that it does not hold, NaN among them, fails with
  /// ``EngineError/invalidArgument(message:)``, and another number of scalars than `shape` has elements with
  /// ``EngineError/shape(operation:message:)``.
  public init<S: TensorScalar>(_ scalars: [S], shape: Shape? = nil, dtype: DType? = nil) {
    let shape = shape ?? [scalars.count]
    self = attempt {
      try scalars.withUnsafeBytes {
        try Tensor(
          converting: $0, of: S.self, count: scalars.count, shape: shape, dtype: dtype)
      }
    }
  }

  private init<S: TensorScalar>(
    converting bytes: UnsafeRawBufferPointer, of type: S.Type, count: Int, shape: Shape,
    dtype: DType?
  ) throws(EngineError) {
    try shape.expectCountable("Tensor")
    guard count == shape.elementCount else {
      throw .shape(
        operation: "Tensor",
        message: "\(count) scalars do not fill shape \(shape) of \(shape.elementCount)")
    }
    let source = ScalarArray(bytes, S.dtype, count: count)
    let target = dtype ?? (source.fits(S.defaultDType) ? S.defaultDType : S.dtype)
    let storage = Storage(byteCount: count * target.size)
    try source.convert(to: storage.pointer, target, "Tensor")
    self.init(layout: Layout(rowMajor: shape), dtype: target, storage: storage)
  }

  /// A tensor of rank 2 from its rows, all of one length.
  ///
  /// Another length fails with ``EngineError/shape(operation:message:)``; for the rest see
  /// ``init(_:shape:dtype:)-([S],_,_)``.
  public init<S: TensorScalar>(_ rows: [[S]], dtype: DType? = nil) {
    self = attempt {
      var nested = NestedArray<S>()
      for row in rows { try nested.add(row) }
      return nested.tensor(outer: [rows.count], depth: 1, dtype)
    }
  }

  /// A tensor of rank 3 from nested arrays, of one length at each depth.
  ///
  /// Another length fails with ``EngineError/shape(operation:message:)``.
  public init<S: TensorScalar>(_ values: [[[S]]], dtype: DType? = nil) {
    self = attempt {
      var nested = NestedArray<S>()
      for rows in values {
        try nested.expect(rows.count, depth: 1)
        for row in rows { try nested.add(row, depth: 2) }
      }
      return nested.tensor(outer: [values.count], depth: 2, dtype)
    }
  }

  /// A tensor of rank 4 from nested arrays, of one length at each depth.
  ///
  /// Another length fails with ``EngineError/shape(operation:message:)``.
  public init<S: TensorScalar>(_ values: [[[[S]]]], dtype: DType? = nil) {
    self = attempt {
      var nested = NestedArray<S>()
      for planes in values {
        try nested.expect(planes.count, depth: 1)
        for rows in planes {
          try nested.expect(rows.count, depth: 2)
          for row in rows { try nested.add(row, depth: 3) }
        }
      }
      return nested.tensor(outer: [values.count], depth: 3, dtype)
    }
  }

  /// A tensor of `shape` with `value` everywhere; takes the memory of one element.
  ///
  /// The value is converted as ``init(_:shape:dtype:)-([S],_,_)`` says; a negative length fails with
  /// ``EngineError/shape(operation:message:)``.
  public static func full<S: TensorScalar>(
    _ shape: Shape, _ value: S, dtype: DType = .float32
  ) -> Tensor {
    constant(shape, value, dtype)
  }

  /// A tensor of `shape` with `value` everywhere; takes the memory of one element.
  public static func full(_ shape: Shape, _ value: Double, dtype: DType = .float32) -> Tensor {
    constant(shape, value, dtype)
  }

  private static func constant<S: TensorScalar>(
    _ shape: Shape, _ value: S, _ dtype: DType
  ) -> Tensor {
    attempt {
      try shape.expectCountable("full")
      let scalar = Tensor(value, dtype: dtype)
      return scalar.isInvalid ? scalar : scalar.repeated(shape)
    }
  }

  /// This scalar for every element of `shape`, without a copy or a record.
  func repeated(_ shape: Shape) -> Tensor {
    let strides = [Int](repeating: 0, count: shape.rank)
    return Tensor(
      layout: Layout(shape: shape, strides: strides), dtype: dtype, storage: storage)
  }

  /// A tensor of `shape` with zeros; takes the memory of one element.
  public static func zeros(_ shape: Shape, dtype: DType = .float32) -> Tensor {
    full(shape, 0, dtype: dtype)
  }

  /// A tensor of `shape` with ones; takes the memory of one element.
  public static func ones(_ shape: Shape, dtype: DType = .float32) -> Tensor {
    full(shape, 1, dtype: dtype)
  }

  /// The numbers 0, 1, ... `count` - 1, of shape `[count]`.
  ///
  /// A negative count fails with ``EngineError/invalidArgument(message:)``.
  public static func arange(_ count: Int, dtype: DType = .int32) -> Tensor {
    attempt {
      guard count >= 0 else {
        throw EngineError.argument(
          "the count", of: "arange", must: "not be negative", found: "\(count)")
      }
      return Tensor((0..<count).map { Int64($0) }, dtype: dtype)
    }
  }

  /// The numbers from `start` up to but not including `end`, `step` apart, as `numpy.arange` gives them: `[n]` with `n` the
  /// quotient `(end − start) / step`, rounded up, and none for a negative one.
  ///
  /// A step of 0, NaN or an infinity fails with ``EngineError/invalidArgument(message:)``.
  public static func arange(
    from start: Double, to end: Double, by step: Double = 1, dtype: DType = .float32
  ) -> Tensor {
    attempt {
      let length = ((end - start) / step).rounded(.up)
      guard !length.isNaN, step != 0, step.isFinite, let count = Int(exactly: Swift.max(0, length))
      else {
        throw wrongRange("\(start)", "\(end)", "\(step)")
      }
      return Tensor((0..<count).map { start + Double($0) * step }, dtype: dtype)
    }
  }

  /// The whole numbers from `start` up to but not including `end`, `step` apart, of shape `[n]`; without rounding in an
  /// integer type.
  ///
  /// A step of 0 fails with ``EngineError/invalidArgument(message:)``.
  public static func arange(
    from start: Int, to end: Int, by step: Int = 1, dtype: DType = .float32
  ) -> Tensor {
    attempt {
      guard step != 0 else { throw wrongRange("\(start)", "\(end)", "\(step)") }
      return Tensor(Array(Swift.stride(from: start, to: end, by: step)), dtype: dtype)
    }
  }

  private static func wrongRange(_ start: String, _ end: String, _ step: String) -> EngineError {
    .invalidArgument(
      message: "arange: from \(start) to \(end) by \(step) is no range: "
        + "the ends must be finite and the step must not be 0")
  }

  /// The identity matrix of shape `[size, size]`.
  ///
  /// A negative size fails with ``EngineError/shape(operation:message:)``.
  public static func eye(_ size: Int, dtype: DType = .float32) -> Tensor {
    attempt {
      try Shape([size, size]).expectCountable("eye")
      var values = [Float](repeating: 0, count: size * size)
      for index in 0..<size { values[index * size + index] = 1 }
      return Tensor(values, shape: [size, size], dtype: dtype)
    }
  }
}

/// The scalars of nested arrays one after the other, and the length found first at each depth.
private struct NestedArray<S: TensorScalar> {
  private var scalars: [S] = []
  private var lengths: [Int: Int] = [:]

  /// Checks an array's length against that of the others at its depth.
  mutating func expect(_ length: Int, depth: Int) throws(EngineError) {
    let first = lengths[depth] ?? length
    lengths[depth] = first
    guard length == first else {
      throw .shape(
        operation: "Tensor",
        message: "nested arrays must have one length at each depth: at depth \(depth) there are "
          + "\(first) and \(length) elements")
    }
  }

  mutating func add(_ row: [S], depth: Int = 1) throws(EngineError) {
    try expect(row.count, depth: depth)
    scalars += row
  }

  /// The tensor of all rows.
  ///
  /// - Parameters:
  ///   - outer: the lengths of the axes in front.
  ///   - depth: that of the innermost arrays.
  ///   - dtype: the type of the elements; that of ``Tensor/init(_:shape:dtype:)`` where nil.
  /// - Returns: a tensor of `depth` axes more than `outer`.
  func tensor(outer: [Int], depth: Int, _ dtype: DType?) -> Tensor {
    Tensor(
      scalars, shape: Shape(outer + (1...depth).map { lengths[$0] ?? 0 }), dtype: dtype)
  }
}

extension Shape {
  /// Checks that no length is negative and that the number of bytes of such a tensor is an `Int`.
  func expectCountable(_ operation: String) throws(EngineError) {
    if Tensor.checkedElementCount(dimensions, size: 8) != nil { return }
    throw .shape(
      operation: operation,
      message: contains { $0 < 0 }
        ? "lengths must not be negative, got \(self)"
        : "the shape \(self) has more elements than memory can hold")
  }
}
