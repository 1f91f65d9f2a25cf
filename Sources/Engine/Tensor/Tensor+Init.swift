import CKernels

extension Tensor {
  /// A row-major tensor whose bytes `initializing` writes.
  ///
  /// - Parameter initializing: gets the first byte; must write `shape.elementCount * dtype.size` bytes.
  public init(
    shape: Shape, dtype: DType, initializing: (UnsafeMutableRawPointer) throws -> Void
  ) rethrows {
    let storage = Storage(byteCount: shape.elementCount * dtype.size)
    try initializing(storage.pointer)
    self.init(layout: Layout(rowMajor: shape), dtype: dtype, storage: storage)
  }

  /// A scalar. A `Double` becomes float32 and an `Int` int32 unless `dtype` says otherwise.
  public init<S: TensorScalar>(_ scalar: S, dtype: DType? = nil) {
    self.init([scalar], shape: [], dtype: dtype)
  }

  /// A tensor of `scalars` in row-major order; of rank 1 without a `shape`.
  ///
  /// `Double` values become float32 and `Int` values int32 (what Swift's literals are) unless `dtype` says otherwise.
  ///
  /// - Precondition: as many scalars as `shape` has elements.
  public init<S: TensorScalar>(_ scalars: [S], shape: Shape? = nil, dtype: DType? = nil) {
    let shape = shape ?? [scalars.count]
    let dtype = dtype ?? S.defaultDType
    guard scalars.count == shape.elementCount else {
      self = fail(
        EngineError.shape(
          operation: "Tensor",
          message: "\(scalars.count) scalars do not fill shape \(shape) of \(shape.elementCount)"))
      return
    }
    self.init(shape: shape, dtype: dtype) { pointer in
      scalars.withUnsafeBytes { bytes in
        guard let source = bytes.baseAddress else { return }
        if dtype == S.dtype {
          pointer.copyMemory(from: source, byteCount: bytes.count)
        } else {
          apus_cast(S.dtype.code, dtype.code)?(source, 1, pointer, scalars.count)
        }
      }
    }
  }

  /// A tensor of rank 2 from its rows.
  public init<S: TensorScalar>(_ rows: [[S]], dtype: DType? = nil) {
    let columns = rows.first?.count ?? 0
    self.init(rows.flatMap { $0 }, shape: [rows.count, columns], dtype: dtype)
  }

  /// A tensor of rank 3 from nested arrays.
  public init<S: TensorScalar>(_ values: [[[S]]], dtype: DType? = nil) {
    let first = values.first ?? []
    self.init(
      values.flatMap { $0.flatMap { $0 } },
      shape: [values.count, first.count, first.first?.count ?? 0], dtype: dtype)
  }

  /// A tensor of rank 4 from nested arrays.
  public init<S: TensorScalar>(_ values: [[[[S]]]], dtype: DType? = nil) {
    let a = values.first ?? []
    let b = a.first ?? []
    self.init(
      values.flatMap { $0.flatMap { $0.flatMap { $0 } } },
      shape: [values.count, a.count, b.count, b.first?.count ?? 0], dtype: dtype)
  }

  /// Every element `value`; takes the memory of one element.
  public static func full(_ shape: Shape, _ value: Double, dtype: DType = .float32) -> Tensor {
    let scalar = Tensor(value, dtype: dtype)
    let strides = [Int](repeating: 0, count: shape.rank)
    return Tensor(
      layout: Layout(shape: shape, strides: strides), dtype: dtype, storage: scalar.storage)
  }

  /// Zeros; takes the memory of one element.
  public static func zeros(_ shape: Shape, dtype: DType = .float32) -> Tensor {
    full(shape, 0, dtype: dtype)
  }

  /// Ones; takes the memory of one element.
  public static func ones(_ shape: Shape, dtype: DType = .float32) -> Tensor {
    full(shape, 1, dtype: dtype)
  }

  /// The numbers 0, 1, ... `count` - 1.
  public static func arange(_ count: Int, dtype: DType = .int32) -> Tensor {
    Tensor((0..<Swift.max(count, 0)).map { Int64($0) }, dtype: dtype)
  }

  /// The numbers from `start` up to but not including `end`, `step` apart, as `numpy.arange` gives them.
  public static func arange(
    from start: Double, to end: Double, by step: Double = 1, dtype: DType = .float32
  ) -> Tensor {
    let count = Swift.max(0, Int(((end - start) / step).rounded(.up)))
    return Tensor((0..<count).map { start + Double($0) * step }, dtype: dtype)
  }

  /// The identity matrix of shape `[size, size]`.
  public static func eye(_ size: Int, dtype: DType = .float32) -> Tensor {
    var values = [Float](repeating: 0, count: size * size)
    for index in 0..<size { values[index * size + index] = 1 }
    return Tensor(values, shape: [size, size], dtype: dtype)
  }
}
