import CKernels

extension Tensor {
  /// The elements in row-major order, converted to `S`.
  ///
  /// - Precondition: the tensor has values: it is not inside a trace.
  public func scalars<S: TensorScalar>(as type: S.Type = S.self) -> [S] {
    let count = elementCount
    guard count > 0 else { return [] }
    return [S](unsafeUninitializedCapacity: count) { buffer, initialized in
      withUnsafeBytes { bytes in
        guard let source = bytes.baseAddress, let target = buffer.baseAddress else { return }
        apus_cast(dtype.code, S.dtype.code)?(source, 1, target, count)
      }
      initialized = count
    }
  }

  /// The only element, as a `Double`.
  ///
  /// - Precondition: the tensor has one element and is not inside a trace.
  public func item() -> Double {
    guard elementCount == 1 else {
      fail(
        EngineError.shape(
          operation: "item",
          message: "a tensor of shape \(shape) has \(elementCount) elements, not one"))
      return .nan
    }
    return scalars(as: Double.self).first ?? .nan
  }

  /// Calls `body` with the elements' bytes in row-major order; a view is copied first.
  ///
  /// - Precondition: the tensor has values: it is not inside a trace.
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    let source = requireValues().contiguous()
    guard let storage = source.storage else { preconditionFailure("no storage") }
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
      EngineError.invalidArgument(
        message: """
          the values of a tensor \(spec) were asked for while tracing: inside jit, fit and evaluate operations \
          are recorded and have no values yet; return the tensor, or pass runEagerly: true
          """))
    return .zeros(shape, dtype: dtype)
  }
}
