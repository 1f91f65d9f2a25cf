import OrderedCollections
import Tensors

extension Functional {
  /// The tensors of `x` in the order of the inputs, in the inputs' scalar types.
  ///
  /// - Throws: ``EngineError`` that names the input that is missing or has a wrong shape.
  func inputTensors(_ x: Structure) throws -> [Tensor] {
    var found: [Tensor] = []
    try gather(graph.inputs, x, into: &found)
    return try zip(graph.entries, found).map { try fitted($1, to: $0) }
  }

  private func gather(
    _ form: KerasStructure, _ x: Structure, into found: inout [Tensor]
  ) throws {
    switch (form, x) {
    case (.tensor, .tensor(let value)): found.append(value)
    case (.tensor, .list(let values)) where values.count == 1:
      try gather(form, values[0], into: &found)
    case (.tensor(let tensor), .dictionary(let values)):
      let name = name(of: tensor)
      guard let value = values[name] else { throw missing(name, x) }
      try gather(form, value, into: &found)
    case (.tensor(let tensor), _):
      throw EngineError.structure(
        message: "\(title): the input \"\(name(of: tensor))\" takes a tensor, got \(x.summary)")
    case (.list(let forms), .list(let values)) where forms.count == values.count:
      for (form, value) in zip(forms, values) { try gather(form, value, into: &found) }
    case (.list(let forms), .dictionary):
      for form in forms { try gather(form, x, into: &found) }
    case (.dictionary(let forms), .dictionary(let values)):
      for (key, form) in forms {
        guard let value = values[key] ?? form.tensor.flatMap({ values[name(of: $0)] }) else {
          throw missing(key, x)
        }
        try gather(form, value, into: &found)
      }
    case (.dictionary(let forms), .list(let values)) where forms.count == values.count:
      for (form, value) in zip(forms.values, values) { try gather(form, value, into: &found) }
    case (.constant, _), (.none, _): break
    default:
      throw EngineError.structure(
        message:
          "\(title) takes \(inputNames.count) inputs (\(inputNames.joined(separator: ", "))) "
          + "but got \(x.summary)")
    }
  }

  private func name(of tensor: KerasTensor) -> String {
    graph.name(of: graph.resolved(tensor).node.outboundLayer)
  }

  private func missing(_ name: String, _ x: Structure) -> EngineError {
    EngineError.structure(message: "\(title): the input \"\(name)\" is missing: got \(x.summary)")
  }

  /// `value` in the input's scalar type, which must hold it if it is an integer type; as in Keras `[batch]` and `[batch, 1]` stand for each other.
  private func fitted(_ value: Tensor, to input: KerasTensor) throws -> Tensor {
    if value.isInvalid { return value }
    var value = value
    let shape = input.shape
    if value.rank == 1, shape.count == 2, shape[1] == 1 {
      value = expandDims(value, axis: 1)
    } else if value.rank == 2, value.shape[1] == 1, shape.count == 1 {
      value = squeeze(value, axis: 1)
    }
    let fits =
      value.rank == shape.count && zip(value.shape, shape).allSatisfy { $1 == nil || $0 == $1 }
    guard fits else {
      throw EngineError.shape(
        operation: title,
        message: "the input \"\(name(of: input))\" takes \(shapeText(shape)), got \(value.shape)")
    }
    return exactly(value, as: input.dtype, "\(title), input \"\(name(of: input))\"")
  }
}

extension Functional {
  /// The output for one tensor, of a model with one output; shapes are those of ``inputs`` and ``outputs`` with lengths
  /// in the open places.
  public func callAsFunction(_ x: Tensor) -> Tensor { single(self(Structure.tensor(x))) }

  /// The output for tensors in the order of the inputs, of a model with one output; shapes are those of ``inputs`` and
  /// ``outputs``.
  public func callAsFunction(_ x: [Tensor]) -> Tensor {
    single(self(Structure.list(x.map(Structure.tensor))))
  }

  /// The outputs for tensors in the order of the inputs.
  @_disfavoredOverload
  public func callAsFunction(_ x: [Tensor]) -> Structure {
    self(Structure.list(x.map(Structure.tensor)))
  }

  private func single(_ output: Structure) -> Tensor {
    if let tensor = output.tensor { return tensor }
    return fail(
      EngineError.structure(
        message: "\(title) gives \(output.summary): give it a Structure to get all of it"))
  }
}
