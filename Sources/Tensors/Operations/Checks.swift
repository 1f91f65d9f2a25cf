extension Primitive {
  /// Checks the number of inputs, which only a wrong primitive gets wrong.
  func expect(_ inputs: [TensorSpec], count: Int) throws(EngineError) {
    guard inputs.count == count else {
      throw .invalidArgument(message: "\(name): takes \(count) inputs, got \(inputs.count)")
    }
  }

  /// Checks that two inputs agree in shape and scalar type.
  func expectEqual(_ a: TensorSpec, _ b: TensorSpec) throws(EngineError) {
    guard a.dtype == b.dtype else {
      throw .mixed([a.dtype, b.dtype], in: name)
    }
    guard a.shape == b.shape else {
      throw EngineError(
        .shape, operation: name,
        .requirement(of: "inputs", must: "have one shape", found: "\(a.shape) and \(b.shape)"))
    }
  }

  /// Checks that an input is float32 or float64.
  func expectFloating(_ x: TensorSpec) throws(EngineError) {
    guard x.dtype.isFloating else {
      throw .dtype(
        operation: name,
        message: "works on float32 and float64, got \(x.dtype); use cast(to: .float32)")
    }
  }

  /// Checks that an input is not bool, with which these kernels do not compute.
  func expectNumeric(_ x: TensorSpec) throws(EngineError) {
    guard x.dtype != .bool else { throw .unsupported(.bool, by: name) }
  }

  /// Checks that an input holds integers, to be used as indices.
  func expectIndices(_ x: TensorSpec) throws(EngineError) {
    guard x.dtype == .int32 || x.dtype == .int64 || x.dtype == .uint8 else {
      throw EngineError(
        .dtype, operation: name,
        .requirement(of: "indices", must: "be int32, int64 or uint8", found: "\(x.dtype)"))
    }
  }

  /// Checks that an axis, counted from the front, exists.
  func expectAxis(_ axis: Int, _ x: TensorSpec) throws(EngineError) {
    guard axis >= 0, axis < x.shape.rank else {
      throw .shape(
        operation: name, message: "axis \(axis) does not exist in shape \(x.shape)")
    }
  }

  /// Checks that an input is floating and has a last axis, whose rows the kernel works on.
  func expectRows(_ x: TensorSpec) throws(EngineError) {
    try expectFloating(x)
    try expectAxis(x.shape.rank - 1, x)
  }
}
