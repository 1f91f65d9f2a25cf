import Engine
import OrderedCollections
import TestSupport
import Testing

@Suite("Layers agree with Keras")
struct LayerParityTests {
  @Test(
    "Outputs, states and gradients, at once and compiled", arguments: try LayerTable.cases(),
    [DType.float32, .float64])
  func parity(_ example: FixtureCase, _ dtype: DType) throws {
    let layer = try LayerTable.make(example)
    try check(layer, LayerExample(example, dtype))
  }

  private func check<L: AnyModule & Callable>(_ layer: L, _ example: LayerExample) throws {
    let tolerance = example.dtype == .float64 ? 1e-7 : 1e-5
    func run(_ x: [Tensor]) throws -> [Tensor] {
      try withErrors {
        let input = try example.input.replacingTensors(with: x)
        return try layer.run(isTraining: example.isTraining) {
          try layer.call(structure: input)
        }.result.tensors
      }
    }
    func expect(_ outputs: [Tensor], _ comment: String) throws {
      #expect(outputs.count == example.outputs.count)
      for (output, expected) in zip(outputs, example.outputs) {
        expectClose(output, expected, atol: tolerance, rtol: tolerance, comment)
      }
      try expectStates(comment)
    }
    func expectStates(_ comment: String) throws {
      for (variable, entry) in zip(try variables(example.states), example.states) {
        expectClose(
          variable.value, try entry["updated"].tensor(.float64), atol: tolerance, rtol: tolerance,
          comment)
      }
    }
    func variables(_ entries: [JSONValue]) throws -> [Variable] {
      let named = layer.namedVariables
      return try entries.map { entry in
        let name = try entry["name"].string()
        // A layer that holds others names the variables of these by their path.
        let found = named.filter { $0.path == name || $0.path.hasSuffix("/" + name) }
        #expect(found.count == 1, "\(name) of \(named.map(\.path))")
        return try #require(found.first).variable
      }
    }
    func reset() throws {
      let entries = example.weights + example.states
      for (variable, entry) in zip(try variables(entries), entries) {
        variable.value = try entry["value"].tensor(.float64)
      }
    }

    // The first call makes the variables, which then get the values of the example.
    let x = example.input.tensors
    _ = try run(x)
    try reset()
    #expect(layer.trainableVariables.count == example.weights.count)
    try expect(try run(x), "at once")

    try reset()
    let parameters = try variables(example.weights)
    let differentiable = x.indices.filter { example.inputGradients[$0] != nil }
    let loss = { (values: [Tensor]) in
      var given = x
      for (index, value) in zip(differentiable, values) { given[index] = value }
      let overlay = VariableOverlay(
        Array(zip(parameters, values.dropFirst(differentiable.count))))
      let outputs = try overlay { try run(given) }
      return zip(outputs, example.cotangents).reduce(Tensor(0, dtype: outputs[0].dtype)) {
        $0 + sum($1.0 * $1.1.cast(to: $1.0.dtype))
      }
    }
    let gradients = try grad(loss)(differentiable.map { x[$0] } + parameters.map(\.value))
    for (index, gradient) in zip(differentiable, gradients) {
      guard let expected = example.inputGradients[index] else { continue }
      expectClose(
        gradient, expected, atol: tolerance, rtol: tolerance, "by input \(index)")
    }
    for (entry, gradient) in zip(example.weights, gradients.dropFirst(differentiable.count)) {
      let name = try entry["name"].string()
      expectClose(
        gradient, try entry["gradient"].tensor(.float64), atol: tolerance, rtol: tolerance,
        "by \(name)")
    }
    try expectStates("after a gradient")

    try reset()
    try expect(try jit { (x: [Tensor]) in try run(x) }(x), "compiled")
  }
}

/// A case of a layer's fixture, with the tensors that it gives and expects.
///
/// One input is a tensor under `input`; several are a list under `inputs`, or an object there whose keys are the names of
/// the fields that the layer takes, and whose values may be lists. Outputs, cotangents and the gradients of inputs are written in the same way; an input
/// without a gradient (integers, masks) has null there.
struct LayerExample {
  let dtype: DType
  let isTraining: Bool
  let input: Structure
  /// Those of the tensors of `input`, in order.
  let inputGradients: [Tensor?]
  let weights: [JSONValue]
  let states: [JSONValue]
  let outputs: [Tensor]
  let cotangents: [Tensor]

  /// The example in a scalar type; integers stay what they are.
  init(_ example: FixtureCase, _ dtype: DType) throws {
    self.dtype = dtype
    isTraining = try example["training"].bool()
    weights = try example["weights"].elements()
    states = try example["state"].elements()
    outputs = try Self.parts(example, "output").map { try $0.tensor(.float64) }
    cotangents = try Self.parts(example, "cotangent").map { try $0.tensor(dtype) }
    inputGradients = try Self.parts(example, "input_gradient").map {
      $0 == .null ? nil : try $0.tensor(.float64)
    }
    let tensors = try zip(Self.parts(example, "input"), inputGradients).map {
      try $0.tensor($1 == nil ? nil : dtype)
    }
    let form = try Self.structure(example.optional("inputs") ?? example["input"])
    input = try form.replacingTensors(with: tensors)
  }

  /// The value under `key`, or those under its plural in order.
  private static func parts(_ example: FixtureCase, _ key: String) throws -> [JSONValue] {
    parts(try example.optional(key + "s") ?? example[key])
  }

  private static func parts(_ value: JSONValue) -> [JSONValue] {
    switch value {
    case .array(let elements): elements.flatMap(parts)
    case .object(let members) where members["values"] == nil:
      members.sorted { $0.key < $1.key }.flatMap { parts($0.value) }
    default: [value]
    }
  }

  private static func structure(_ value: JSONValue) throws -> Structure {
    switch value {
    case .array(let elements): return .list(try elements.map(structure))
    case .object(let members) where members["values"] == nil:
      let entries = try members.sorted { $0.key < $1.key }.map { ($0.key, try structure($0.value)) }
      return .dictionary(.init(uniqueKeysWithValues: entries))
    default: return .tensor(try value.tensor())
    }
  }
}
