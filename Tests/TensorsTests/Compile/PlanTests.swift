import Tensors
import TensorsTestSupport
import Testing

/// A graph of one function of two tensors, and its plan.
private func plan(
  _ specs: [TensorSpec], passes: [any Pass] = Passes.standard,
  _ body: ([Tensor]) throws -> [Tensor]
) throws -> Plan {
  try Plan(try Trace.record(specs, body), passes: passes)
}

private let matrix = TensorSpec([32, 48], .float32)

private func ramp(_ shape: Shape, scale: Double = 0.001) -> Tensor {
  reshape(Tensor.arange(shape.elementCount, dtype: .float32) * scale, shape) - 0.5
}

@Suite struct PlanTests {
  @Test func `a compiled function gives the numbers of the function itself`() throws {
    let function: ([Tensor]) -> [Tensor] = { x in
      let y = matmul(tanh(x[0] * 2.0 + x[1]), transpose(x[1]))
      return [softmax(y, axis: -1), sum(y, axis: 0), transpose(x[0]), x[1]]
    }
    let inputs = [ramp([32, 48]), ramp([32, 48], scale: -0.0007)]
    let compiled = try plan([matrix, matrix], function)(inputs)
    for (a, b) in zip(compiled, function(inputs)) { expectClose(a, b, atol: 0, rtol: 0) }
  }

  @Test func `a plan runs again on other inputs without allocating`() throws {
    let plan = try plan([matrix]) { [sum(exp($0[0]) * sigmoid($0[0]))] }
    plan.copyInput(0, ramp([32, 48]))
    try plan.run()
    let allocations = try StorageStatistics.allocations {
      for _ in 0..<10 { try plan.run() }
    }
    #expect(allocations == 0)
    let other = ramp([32, 48], scale: 0.002)
    expectClose(try plan([other])[0], sum(exp(other) * sigmoid(other)), atol: 0, rtol: 1e-6)
  }

  @Test func `values that do not live at the same time share memory`() throws {
    let long = try plan([matrix], passes: []) { inputs in
      var x = inputs[0]
      for _ in 0..<20 {
        x = matmul(x, transpose(x))[.all, 0..<32]; x = concatenate([x, x], axis: 1)[.all, 0..<48]
      }
      return [x]
    }
    let bytes = 32 * 64 * 4
    #expect(long.arenaBytes <= 4 * bytes)
  }

  @Test func `variables can be exchanged`() throws {
    let module = Holder()
    let (a, b) = (module.make("a", 1), module.make("b", 2))
    let plan = try plan([]) { _ in
      let old = a.value
      a.value = b.value
      b.value = old
      return []
    }
    for _ in 0..<3 { try plan.run() }
    #expect(a.value.item() == 2)
    #expect(b.value.item() == 1)
  }

  @Test func `an output can be the value that a variable had before`() throws {
    let module = Holder()
    let count = module.make("count", 5)
    let plan = try plan([]) { _ in
      let old = count.value
      count.value = old + 1.0
      return [old, count.value]
    }
    let outputs = try plan([])
    #expect(outputs.map { $0.item() } == [5, 6])
    #expect(count.value.item() == 6)
  }

  @Test func `a variable that is read after it was written gives the new value`() throws {
    let module = Holder()
    let total = module.make("total", 0)
    let plan = try plan([TensorSpec([], .float32)]) { inputs in
      total.value = total.value + inputs[0]
      total.value = total.value * 2.0
      return [total.value]
    }
    #expect(try plan([Tensor(1.0)])[0].item() == 2)
    #expect(try plan([Tensor(1.0)])[0].item() == 6)
  }

  @Test func `a value read from a variable outside a plan is a copy`() throws {
    let module = Holder()
    let count = module.make("count", 1)
    let plan = try plan([]) { _ in
      count.value = count.value + 1.0
      return []
    }
    try plan.run()
    let kept = count.value
    try plan.run()
    #expect(kept.item() == 2)
    #expect(count.value.item() == 3)
  }

  @Test func `what nothing depends on is not computed`() throws {
    let plan = try plan([matrix]) { inputs in
      _ = matmul(inputs[0], transpose(inputs[0]))
      return [exp(inputs[0])]
    }
    #expect(plan.instructions.map(\.primitive.name) == ["exp"])
  }

  @Test func `a common subexpression is computed once`() throws {
    let graph = try Trace.record([matrix]) { [exp($0[0]) + exp($0[0])] }
    #expect(graph.nodes.filter { $0.primitive is Exp }.count == 2)
    let after = CommonSubexpressions().run(graph)
    #expect(after.nodes.filter { $0.primitive is Exp }.count == 1)
    let x = ramp([32, 48])
    expectClose(try Plan(after, passes: [])([x])[0], exp(x) * 2.0, atol: 0, rtol: 0)
  }

  @Test func `a chain of elementwise operations becomes one operation`() throws {
    let body: ([Tensor]) -> [Tensor] = { x in
      let y = tanh(x[0] * 2.0 + x[1])
      return [select(y .> 0.0, y * x[1], exp(y)) - 1.0]
    }
    let graph = try Trace.record([matrix, TensorSpec([48], .float32)], body)
    let before = try Plan(graph, passes: [])
    let after = try Plan(graph, passes: [ElementwiseFusion()])
    // tanh has three readers, so it ends one chain and begins the other.
    #expect(before.instructions.count == 8)
    #expect(
      after.instructions.map(\.primitive.name) == [
        "fused(multiply add tanh)", "fused(greater multiply exp select subtract)",
      ])
    let inputs = [ramp([32, 48]), ramp([48])]
    expectClose(try after(inputs)[0], try before(inputs)[0], atol: 0, rtol: 0)
    expectClose(try after(inputs)[0], body(inputs)[0], atol: 0, rtol: 0)
  }

  @Test(arguments: [[0, 48], [1, 4096], [3000], [7, 1, 300], [2, 3, 5, 64]] as [Shape])
  func `fused operations work on any shape and on broadcast operands`(shape: Shape) throws {
    let row = Shape([shape[-1]])
    let body: ([Tensor]) -> [Tensor] = { x in
      [relu(x[0] - x[1]).cast(to: .float64) * 0.5 + sum(x[1]).cast(to: .float64)]
    }
    let inputs = [ramp(shape), ramp(row)]
    let plan = try plan([TensorSpec(shape, .float32), TensorSpec(row, .float32)], body)
    expectClose(try plan(inputs)[0], body(inputs)[0], atol: 0, rtol: 1e-12)
  }

  @Test func `an error in the traced function is thrown where it is traced`() {
    let error = #expect(throws: EngineError.self) {
      try Trace.record([matrix]) { [matmul($0[0], $0[0])] }
    }
    #expect("\(String(describing: error))".contains("[32, 48] by [32, 48]"))
  }

  @Test func `reading a traced value is an error that says what to do`() {
    let error = #expect(throws: EngineError.self) {
      try Trace.record([matrix]) { x in
        _ = sum(x[0]).item()
        return []
      }
    }
    #expect("\(String(describing: error))".contains("runEagerly"))
  }
}

/// Variables by name.
private final class Holder {
  private var variables: [String: Variable] = [:]

  func make(_ name: String, _ initial: Double) -> Variable {
    if let known = variables[name] { return known }
    let variable = Variable(path: name, kind: .state, initial: Tensor(initial))
    variables[name] = variable
    return variable
  }
}
