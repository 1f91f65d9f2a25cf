/// A function of one example as a function of many: no loop, and no operation that knows of a batch (`jax.vmap`).
///
/// ```swift
/// let distances = vmap({ (a: Tensor, b: Tensor) in norm(a - b) })          // [n, k], [n, k] -> [n]
/// let gradients = vmap(grad(loss), inAxes: [nil, 0, 0])(weights, xs, ys)   // one for each example
/// ```
///
/// The function is recorded once on one example, and each of its operations is done for all examples at once: by its
/// own rule (``Primitive/batched(_:mapped:count:)``), or example by example where it has none. It composes with itself
/// and with every other transform.
///
/// Variables that the function reads are the same for every example; *random keys* of modules are not: each example gets
/// its own. A variable that would get another value from each example is an error. Losses and metrics that modules log
/// inside are averaged over the examples, summaries are stacked.
///
/// - Parameters:
///   - f: takes one example. It cannot ask for values of its tensors, as in `jit`.
///   - inAxes: the axis of each argument along which the examples lie, nil for an argument that all share.
///   - outAxes: the axis of the result along which the examples are put; nil for what is the same for all.
/// - Returns: a function that throws the first error of an operation, ``EngineError/structure(message:)`` for axes that do
///   not fit the structures, and ``EngineError/shape(operation:message:)`` when nothing is mapped or the arguments
///   disagree on the number of examples.
/// - SeeAlso: Frostig, Johnson, Leary, *Compiling machine learning programs via high-level tracing* (2018).
public func vmap<each Argument: Codable, Result: Codable>(
  _ f: @escaping (repeat each Argument) throws -> Result, inAxes: MappedAxes = 0,
  outAxes: MappedAxes = 0
) -> Transformed<repeat each Argument, Result> {
  Transformed<repeat each Argument, Result> { (arguments: repeat each Argument) in
    let flat = try FlatFunction(f, repeat each arguments)
    return try withErrors {
      let (inputs, count) = try examples(of: flat.arguments, along: inAxes)
      let outputs = try Example.map(flat.callAsFunction, inputs, count: count)
      let axes = try outAxes.spread(over: flat.form, "outAxes")
      return try flat.result(of: zip(outputs, axes).map { try $0.placed(along: $1, count: count) })
    }
  }
}

/// `vmap` of what another transform gave.
public func vmap<each Argument: Codable, Result: Codable>(
  _ f: Transformed<repeat each Argument, Result>, inAxes: MappedAxes = 0, outAxes: MappedAxes = 0
) -> Transformed<repeat each Argument, Result> {
  vmap(f.body, inAxes: inAxes, outAxes: outAxes)
}

/// ``vmap(_:inAxes:outAxes:)`` from tensors to tensors: examples lie along the first axis of the mapped inputs and of all
/// outputs.
func flatVmap(
  _ f: ([Tensor]) throws -> [Tensor], _ inputs: [Tensor], mapped: [Bool], count: Int
) throws -> [Tensor] {
  try Example.map(f, zip(inputs, mapped).map(Example.init), count: count)
    .map { $0.broadcast(count: count) }
}

/// The arguments' tensors with their examples along the first axis, and how many there are.
private func examples(
  of arguments: Structure, along inAxes: MappedAxes
) throws -> (inputs: [Example], count: Int) {
  var axes = inAxes
  // The only argument needs no list around its names.
  if case .dictionary = inAxes { axes = .list([inAxes]) }
  var count: Int?
  let inputs = try zip(arguments.leaves, axes.spread(over: arguments, "inAxes")).map { leaf, axis in
    guard let axis else { return Example(leaf.tensor, isMapped: false) }
    let position = try leaf.tensor.shape.axis(axis, "vmap")
    let length = leaf.tensor.shape[position]
    guard length == count ?? length else {
      throw EngineError.shape(
        operation: "vmap",
        message:
          "argument \(leaf.path.pathDescription) has \(length) examples along axis \(axis) of "
          + "\(leaf.tensor.shape), an earlier one has \(count ?? 0)")
    }
    count = length
    return Example(leaf.tensor.movingAxis(position, to: 0), isMapped: true)
  }
  guard let count else {
    throw EngineError.shape(
      operation: "vmap", message: "no argument has examples: inAxes is all nil")
  }
  return (inputs, count)
}

/// A tensor of one example: another one for each (along a new first axis), or the same for all.
struct Example {
  let tensor: Tensor
  let isMapped: Bool

  init(_ tensor: Tensor, isMapped: Bool) {
    self.tensor = tensor
    self.isMapped = isMapped
  }

  /// Shape and scalar type for one example.
  var spec: TensorSpec {
    isMapped ? TensorSpec(Shape(Array(tensor.shape.dropFirst())), tensor.dtype) : tensor.spec
  }

  /// With the new first axis, along which a tensor that is not mapped is repeated.
  func broadcast(count: Int) -> Tensor {
    tensor.examples(count, isMapped: isMapped)
  }

  /// With the examples along an axis.
  func placed(along axis: Int?, count: Int) throws -> Tensor {
    guard let axis else {
      guard !isMapped else {
        throw EngineError.shape(
          operation: "vmap",
          message:
            "a result \(spec) differs from example to example: its entry of outAxes cannot be nil")
      }
      return tensor
    }
    let whole = broadcast(count: count)
    return whole.movingAxis(0, to: try whole.shape.axis(axis, "vmap"))
  }

  /// The mean over the examples.
  private var averaged: Example {
    isMapped ? Example(mean(tensor, axis: 0), isMapped: false) : self
  }

  /// Records `f` on one example and does what it does for all.
  static func map(
    _ f: ([Tensor]) throws -> [Tensor], _ inputs: [Example], count: Int
  ) throws -> [Example] {
    // The samples of a share have the keys that they have in the whole batch.
    let (recording, first) = try NoisePlace.withExamples(count) {
      try Recording(inputs.map(\.spec), f)
    }
    let variables = recording.variables.map { Example($0.value, isMapped: false) }
    func replay(_ variables: [Example]) -> (
      outputs: [Example], logged: [Example], updates: [Example]
    ) {
      recording.replay(inputs + variables) {
        Example($0, isMapped: false)
      } run: { node, values in
        run(node.primitive, values, count: count)
      }
    }
    let isKey = recording.variables.map { $0.kind == .randomKey }
    let split = zip(variables, isKey).map { $1 ? $0.splitKey(count: count, from: first) : $0 }
    let (outputs, logged, updates) = replay(split)
    // Keys move on as they do without examples.
    let keys = isKey.contains(true) ? replay(variables).updates : updates
    let written = zip(recording.written, zip(updates, keys)).map { variable, values in
      switch variable.kind {
      case .randomKey: values.1
      case .lossLog, .metricLog: values.0.averaged
      default: values.0
      }
    }
    for (variable, value) in zip(recording.written, written) where value.isMapped {
      throw EngineError.invalidArgument(
        message:
          "vmap: variable \(variable.path) would get another value from each of the \(count) "
          + "examples: return the value instead of writing it")
    }
    let averaged = zip(logged, recording.isAveraged).map { value, isAveraged in
      isAveraged ? value.averaged.tensor : value.tensor
    }
    recording.deliver(updates: written.map(\.tensor), logged: averaged)
    return outputs
  }

  /// Does an operation for all examples.
  private static func run(
    _ primitive: any Primitive, _ inputs: [Example], count: Int
  ) -> [Example] {
    let tensors = inputs.map(\.tensor)
    // A leaf is the start of a gradient that has been taken: nothing but its input is left of it.
    if primitive is Leaf { return inputs }
    guard inputs.contains(where: \.isMapped), !tensors.contains(where: \.isInvalid) else {
      return apply(primitive, tensors).map { Example($0, isMapped: false) }
    }
    if count == 0 { return nothing(primitive, inputs) }
    let outputs =
      primitive.batched(tensors, mapped: inputs.map(\.isMapped), count: count)
      ?? primitive.withExampleAxis(count).map { wide in
        apply(wide, inputs.map { $0.broadcast(count: count) })
      } ?? unrolled(primitive, inputs, count: count)
    return outputs.map { Example($0, isMapped: !$0.isInvalid) }
  }

  /// One operation an example.
  private static func unrolled(
    _ primitive: any Primitive, _ inputs: [Example], count: Int
  ) -> [Tensor] {
    let results = (0..<count).map { index in
      apply(primitive, inputs.map { $0.isMapped ? $0.tensor[index] : $0.tensor })
    }
    return results[0].indices.map { output in stack(results.map { $0[output] }) }
  }

  /// The outputs of an operation for no examples.
  private static func nothing(_ primitive: any Primitive, _ inputs: [Example]) -> [Example] {
    do {
      return try primitive.infer(inputs.map(\.spec)).map {
        Example(.zeros(Shape([0] + $0.shape), dtype: $0.dtype), isMapped: true)
      }
    } catch {
      return [Example(fail(error), isMapped: false)]
    }
  }

  /// A key of its own for each example.
  ///
  /// - Parameters:
  ///   - count: how many examples there are.
  ///   - first: the number of the first example, int64 `[1]`; nil for 0.
  /// - Returns: the keys, mapped.
  private func splitKey(count: Int, from first: Tensor?) -> Example {
    let keys = (0..<count).map { index in
      let index = Tensor([Int64(index)])
      return foldKey(tensor, first.map { $0 + index } ?? index)
    }
    return keys.isEmpty
      ? Example(.zeros([0, 2], dtype: .int64), isMapped: true)
      : Example(stack(keys), isMapped: true)
  }
}
