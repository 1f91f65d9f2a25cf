import Engine
import TestSupport
import Testing

@Suite("Layers agree with Keras")
struct LayerParityTests {
  @Test(
    "Outputs, states and gradients, at once and compiled", arguments: try LayerTable.cases(),
    [DType.float32, .float64])
  func parity(_ example: FixtureCase, _ dtype: DType) throws {
    let layer = try LayerTable.make(example)
    try check(layer, example, dtype)
  }

  private func check<L: AnyModule & Callable>(
    _ layer: L, _ example: FixtureCase, _ dtype: DType
  ) throws {
    let tolerance = dtype == .float64 ? 1e-7 : 1e-5
    let isInteger = example.optional("input_gradient") == nil
    let x = try example["input"].tensor(isInteger ? nil : dtype)
    let weights = try example["weights"].elements()
    let states = try example["state"].elements()
    let cotangent = try example["cotangent"].tensor(dtype)
    let isTraining = try example["training"].bool()

    func run(_ x: Tensor) throws -> Tensor {
      try withErrors {
        let output = try layer.run(isTraining: isTraining) {
          try layer.call(structure: .tensor(x))
        }
        guard case .tensor(let tensor) = output.result else {
          throw EngineError.data(message: "no tensor")
        }
        return tensor
      }
    }

    // The first call makes the variables, which then get the values of the example.
    _ = try run(x)
    let named = Dictionary(
      layer.namedVariables.map { ($0.path, $0.variable) }, uniquingKeysWith: { a, _ in a })
    func variable(_ entry: JSONValue) throws -> Variable {
      try #require(named[try entry["name"].string()])
    }
    func reset() throws {
      for entry in weights + states { try variable(entry).value = try entry["value"].tensor() }
    }
    try reset()
    #expect(layer.parameters.count == weights.count)
    let output = try run(x)
    expectClose(output, try example["output"].tensor(), atol: tolerance, rtol: tolerance)
    for entry in states {
      expectClose(
        try variable(entry).value, try entry["updated"].tensor(), atol: tolerance,
        rtol: tolerance)
    }

    try reset()
    let parameters = try weights.map(variable)
    let isDouble = output.dtype == .float64
    let loss = { (values: [Tensor]) in
      let overlay = VariableOverlay(Array(zip(parameters, values.dropFirst())))
      return try overlay {
        sum(try run(isInteger ? x : values[0]) * cotangent.cast(to: isDouble ? .float64 : .float32))
      }
    }
    let arguments = [isInteger ? Tensor([0.0], dtype: dtype) : x] + parameters.map(\.value)
    let gradients = try grad(loss)(arguments)
    if let expected = example.optional("input_gradient") {
      expectClose(
        gradients[0], try expected.tensor(), atol: tolerance, rtol: tolerance, "by the input")
    }
    for (entry, gradient) in zip(weights, gradients.dropFirst()) {
      let name = try entry["name"].string()
      expectClose(
        gradient, try entry["gradient"].tensor(), atol: tolerance, rtol: tolerance, "by \(name)")
    }
    for entry in states {
      expectClose(
        try variable(entry).value, try entry["updated"].tensor(), atol: tolerance,
        rtol: tolerance, "after a gradient")
    }

    try reset()
    let compiled = jit { (x: [Tensor]) in [try run(x[0])] }
    expectClose(
      try compiled([x])[0], try example["output"].tensor(), atol: tolerance, rtol: tolerance,
      "compiled")
    for entry in states {
      expectClose(
        try variable(entry).value, try entry["updated"].tensor(), atol: tolerance,
        rtol: tolerance, "compiled")
    }
  }
}
