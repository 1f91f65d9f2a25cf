import CKernels

/// An operation that folds some axes of its input into one value each, with a kernel in C.
///
/// A conforming type gives the code of its kernel and its gradient; all else is here.
package protocol ReductionPrimitive: Primitive {
  /// Which kernel of CKernels computes it.
  static var op: apus_reduce_op { get }
  /// The axes that are folded: from the front, ascending, each once.
  var axes: [Int] { get }
  /// Whether folded axes stay, with length 1.
  var keepDims: Bool { get }
  /// The scalar type of the output for an input of type `input`; the same type unless overridden.
  func outputType(_ input: DType) -> DType
  /// Whether folding no elements has a value, as a sum has 0 and a maximum has none.
  var hasIdentity: Bool { get }

  /// The operation along `axes`, which are from the front, ascending, each once.
  init(axes: [Int], keepDims: Bool)
}

extension ReductionPrimitive {
  /// The input's scalar type.
  package func outputType(_ input: DType) -> DType { input }

  /// True: most reductions of nothing have a value.
  package var hasIdentity: Bool { true }

  /// The input's shape with the folded axes removed, or of length 1.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let (shape, dtype) = (inputs[0].shape, inputs[0].dtype)
    for axis in axes { try expectAxis(axis, inputs[0]) }
    guard apus_reduce(Self.op, dtype.code) != nil else {
      throw .unsupported(dtype, by: name)
    }
    let result = shape.reduced(axes, keepDims: keepDims)
    guard hasIdentity || result.elementCount == 0 || shape.elementCount > 0 else {
      throw .shape(
        operation: name,
        message: "shape \(shape) has no elements along axes \(axes), and nothing has no \(name)")
    }
    return [TensorSpec(result, outputType(dtype))]
  }

  /// The operation along the same axes of each example.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Self(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }

  /// One pass when the folded axes are neighbours in memory, otherwise one pass for each group of
  /// neighbours, the last group first, with intermediate results in the workspace.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    guard y.elementCount > 0 else { return {} }
    guard let function = apus_reduce(Self.op, x.dtype.code) else {
      fatalError("\(name): no kernel for \(x.dtype), which infer admitted")
    }
    let passes = ReductionPass.plan(shape: x.shape, axes: axes)
    let (px, py) = (x.pointer, y.pointer)
    if passes.count == 1 {
      let pass = passes[0]
      if pass.outer > 1 || !isChunked(pass, y.dtype) {
        // Rows of results; each is computed as a whole, so cutting them changes nothing.
        let grain = max(1, Workspace.elementGrain / max(pass.count * pass.inner, 1))
        let (from, to) = (pass.count * pass.inner * x.dtype.size, pass.inner * y.dtype.size)
        return workspace.parallel(pass.outer, grain: grain) { rows, _ in
          let first = rows.lowerBound
          function(px + first * from, py + first * to, rows.count, pass.count, pass.inner)
        }
      }
      return chunkedKernel(function, pass, x, y, workspace)
    }
    // Two buffers take turns; no later result is larger than the first.
    let room = Storage.aligned(passes[0].outer * passes[0].inner * y.dtype.size)
    workspace.require(bytes: 2 * room)
    return {
      var source = UnsafeRawPointer(px)
      for (index, pass) in passes.enumerated() {
        let target =
          index == passes.count - 1 ? py : workspace.base + (index % 2 == 0 ? 0 : room)
        function(source, target, pass.outer, pass.count, pass.inner)
        source = UnsafeRawPointer(target)
      }
    }
  }
}

extension ReductionPrimitive {
  /// A tensor of the output's shape, repeated along the folded axes to the shape of `input`.
  func unfolded(_ output: Tensor, like input: Tensor) -> Tensor {
    output.reshape(input.shape.reduced(axes, keepDims: true)).broadcast(to: input.shape)
  }

  /// Whether one long reduction is done in chunks whose results are then folded. By shape only, so that the order of
  /// additions is the same whatever the number of threads.
  private func isChunked(_ pass: ReductionPass, _ dtype: DType) -> Bool {
    let folds = [APUS_SUM, APUS_RMAX, APUS_RMIN, APUS_NORM].contains {
      $0.rawValue == Self.op.rawValue
    }
    return folds && dtype.isFloating && pass.count * pass.inner >= 4 * Workspace.elementGrain
      && pass.count >= 8 * ReductionPass.chunks
  }

  private func chunkedKernel(
    _ function: @escaping apus_reduce_fn, _ pass: ReductionPass, _ x: Operand, _ y: Operand,
    _ workspace: Workspace
  ) -> Kernel {
    let size = y.dtype.size
    let chunks = Workspace.parts(pass.count, threads: ReductionPass.chunks)
    let room = pass.inner * size
    workspace.require(bytes: chunks.count * room)
    let fold = workspace.parallel(chunks.count) { items, _ in
      for index in items {
        let chunk = chunks[index]
        function(
          x.pointer + chunk.lowerBound * room, workspace.base + index * room, 1, chunk.count,
          pass.inner)
      }
    }
    return {
      try fold()
      function(workspace.base, y.pointer, 1, chunks.count, pass.inner)
    }
  }
}

extension Shape {
  /// This shape with `axes` removed, or of length 1.
  func reduced(_ axes: [Int], keepDims: Bool) -> Shape {
    if keepDims { return Shape(enumerated().map { axes.contains($0.offset) ? 1 : $0.element }) }
    return Shape(enumerated().filter { !axes.contains($0.offset) }.map(\.element))
  }

  /// The axes that a reduction of a tensor of this shape is asked for: from the front, ascending,
  /// each once.
  func reductionAxes(
    _ axis: Int?, _ axes: [Int]?, _ operation: String
  ) throws(EngineError) -> [Int] {
    guard axis == nil || axes == nil else {
      throw .invalidArgument(message: "\(operation): give either axis or axes, not both")
    }
    guard let wanted = axes ?? axis.map({ [$0] }) else { return Array(0..<rank) }
    var found: [Int] = []
    for axis in wanted { found.append(try self.axis(axis, operation)) }
    guard Set(found).count == found.count else {
      throw .invalidArgument(message: "\(operation): an axis is repeated in \(wanted)")
    }
    return found.sorted()
  }
}

/// `x` folded by a reduction along the axes that a user asks for.
///
/// - Parameters:
///   - x: of a type that the reduction computes with.
///   - axis: one axis, or nil.
///   - axes: several axes, or nil; all where both are nil.
///   - keepDims: whether they stay, with length 1.
///   - operation: the function that was called, for messages.
///   - reduction: what to fold with.
/// - Returns: the result; an error where an axis does not exist or is repeated, or both kinds are given.
func reduced<R: ReductionPrimitive>(
  _ x: Tensor, _ axis: Int?, _ axes: [Int]?, _ keepDims: Bool, _ operation: String,
  by reduction: R.Type
) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(axis, axes, operation)
    return apply1(R(axes: axes, keepDims: keepDims), x)
  }
}
