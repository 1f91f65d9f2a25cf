/// Runs a primitive on tensors: at once when they have values, recorded when one of them is traced.
///
/// Every operation goes through here. Shapes and types of the outputs are those that ``Primitive/infer(_:)`` gives. A failure
/// is reported as ``withErrors(_:)`` describes.
public func apply(_ primitive: some Primitive, _ inputs: [Tensor]) -> [Tensor] {
  if inputs.contains(where: \.isInvalid) { return invalidOutputs(inputs) }
  var outputCount: Int?
  do {
    let specs = try primitive.infer(inputs.map(\.spec))
    outputCount = specs.count
    for spec in specs where spec.shape.elementCount > Shape.mostElements {
      throw EngineError.shape(
        operation: primitive.name,
        message: "the result \(spec.shape) would have more elements than can be counted")
    }
    let collector = primitive.isPure || !(primitive is any CollectivePrimitive) ? nil : Trace.active
    if collector != nil || inputs.contains(where: \.isTraced) {
      let node = Node(primitive: primitive, inputs: inputs, outputs: specs, values: [])
      collector?.keep(node.output(0))
      return specs.indices.map(node.output)
    }
    let values = try evaluate(primitive, inputs, specs)
    guard inputs.contains(where: { $0.node != nil }) else { return values }
    let node = Node(primitive: primitive, inputs: inputs, outputs: specs, values: values)
    return specs.indices.map(node.output)
  } catch {
    fail(error)
    return invalidOutputs(inputs, count: outputCount)
  }
}

/// Runs a primitive that has one output, of the shape that ``Primitive/infer(_:)`` gives; see ``apply(_:_:)``.
public func apply1(_ primitive: some Primitive, _ inputs: Tensor...) -> Tensor {
  apply(primitive, inputs)[0]
}

/// Placeholders for the outputs of an operation that failed.
///
/// How many there would have been is not known when `infer` failed: then there are more than anybody asks for.
private func invalidOutputs(_ inputs: [Tensor], count: Int? = nil) -> [Tensor] {
  [Tensor](repeating: .invalid, count: count ?? max(256, inputs.count))
}

private func evaluate(
  _ primitive: some Primitive, _ inputs: [Tensor], _ specs: [TensorSpec]
) throws -> [Tensor] {
  if inputs.count == 1, let view = primitive.view(of: inputs[0].layout) {
    return [Tensor(layout: view, dtype: inputs[0].dtype, storage: inputs[0].storage)]
  }
  // A view that the strides do not allow (a transposed matrix reshaped) is a copy and then the view.
  if inputs.count == 1, let view = primitive.view(of: Layout(rowMajor: inputs[0].shape)) {
    let copy = inputs[0].contiguous()
    return [Tensor(layout: view, dtype: copy.dtype, storage: copy.storage)]
  }
  let sources = primitive.acceptsStrided ? inputs : inputs.map { $0.contiguous() }
  let operands = sources.compactMap(\.operand)
  let outputs = try specs.map { spec in
    Tensor(
      layout: Layout(rowMajor: spec.shape), dtype: spec.dtype,
      storage: try Storage(asking: spec.byteCount))
  }
  let workspace = Workspace()
  let kernel = primitive.prepare(operands, outputs.compactMap(\.operand), workspace)
  workspace.reserve()
  try withExtendedLifetime(sources) { try kernel() }
  return outputs
}

extension Tensor {
  /// Where a kernel finds this tensor's elements; nil while tracing.
  package var operand: Operand? {
    storage.map { Operand(pointer: $0.pointer, layout: layout, dtype: dtype) }
  }
}
