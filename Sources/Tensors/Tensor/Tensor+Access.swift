import CKernels

extension Tensor {
  /// The elements in row-major order, converted to `S`.
  ///
  /// An integer `S` cuts off fractions. A value that it does not hold, NaN among them, fails with
  /// ``EngineError/invalidArgument(message:)``; inside ``withErrors(_:)`` the result is then zeros. int64 above 2^53
  /// is rounded in a `Double`, and every number to what a `Float` holds.
  ///
  /// - Precondition: the tensor has values: it is not inside a trace.
  public func scalars<S: TensorScalar>(as type: S.Type = S.self) -> [S] {
    let count = elementCount
    guard count > 0 else { return [] }
    return [S](unsafeUninitializedCapacity: count) { buffer, initialized in
      let target = UnsafeMutableRawBufferPointer(buffer)
      do {
        guard let memory = target.baseAddress else { return }
        try withUnsafeBytes {
          try ScalarArray($0, dtype, count: count).convert(to: memory, S.dtype, "scalars")
        }
      } catch {
        fail(error)
        target.initializeMemory(as: UInt8.self, repeating: 0)
      }
      initialized = count
    }
  }

  /// The only element, as a `Double`: exact for all but int64 above 2^53, for which see ``item(as:)``.
  ///
  /// - Precondition: the tensor has one element and is not inside a trace.
  public func item() -> Double { onlyElement(as: Double.self) ?? .nan }

  /// The only element, as `S`: `x.item(as: Int.self)` is exact for every integer type.
  ///
  /// Converted as ``scalars(as:)`` says. Another number of elements than one fails with
  /// ``EngineError/shape(operation:message:)``; inside ``withErrors(_:)`` the result is then zero.
  ///
  /// - Precondition: the tensor is not inside a trace.
  public func item<S: TensorScalar>(as type: S.Type) -> S {
    onlyElement(as: S.self) ?? Tensor(0, dtype: S.dtype).scalars(as: S.self)[0]
  }

  private func onlyElement<S: TensorScalar>(as type: S.Type) -> S? {
    guard elementCount == 1 else {
      fail(
        EngineError.shape(
          operation: "item",
          message: "a tensor of shape \(shape) has \(elementCount) elements, not one"))
      return nil
    }
    if dtype == S.dtype, let storage {
      return storage.pointer.load(fromByteOffset: offset * dtype.size, as: S.self)
    }
    return scalars(as: S.self).first
  }

  /// Calls `body` with the elements' bytes in row-major order; a view is copied first.
  ///
  /// - Precondition: the tensor has values: it is not inside a trace.
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    let source = requireValues().contiguous()
    guard let storage = source.storage else { fatalError("no storage") }
    defer { withExtendedLifetime(storage) {} }
    let start = storage.pointer + source.offset * dtype.size
    return try body(UnsafeRawBufferPointer(start: start, count: elementCount * dtype.size))
  }

  /// The same values in row-major order without gaps; itself when it is already so.
  package func contiguous() -> Tensor {
    guard let storage, !isContiguous else { return self }
    return Tensor(shape: shape, dtype: dtype) { pointer in
      var loop = StridedLoop(shape: shape, strides: [strides, shape.rowMajorStrides]).c
      apus_copy_strided(&loop, Int32(dtype.size), storage.pointer + offset * dtype.size, pointer)
    }
  }

  private func requireValues() -> Tensor {
    if storage != nil { return self }
    fail(
      Trace.active == nil
        ? leak("its values were asked for")
        : EngineError.invalidArgument(
          message: """
            the values of a tensor \(spec) were asked for while tracing: inside jit, fit and evaluate operations \
            are recorded and have no values yet; return the tensor, or pass runEagerly: true
            """))
    return .zeros(shape, dtype: dtype)
  }

  /// The error for a tensor of a trace that is used outside it.
  package func leak(_ place: String) -> EngineError {
    .invalidArgument(
      message: """
        a tensor \(spec) left the function in which it was traced (\(place)): inside jit, fit and evaluate \
        operations are recorded, and what they give has values only as a result of that function; return it \
        from there
        """)
  }
}
