import Tensors
import Testing

/// Numbers between -1 and 1 without a pattern.
package func noise(_ shape: Shape, seed: UInt64 = 1, dtype: DType = .float32) -> Tensor {
  randomUniform(
    shape, key: RandomKey(seed: seed, stream: 7), low: -1, high: 1, dtype: dtype)
}

/// Runs a graph of inputs only, operation by operation, with this number of threads.
package func run(_ graph: Graph, _ inputs: [Tensor], threads: Int = 1) throws -> [Tensor] {
  let pool = ThreadPool(threads: threads)
  var values: [Int: [Tensor]] = [:]
  for (placeholder, value) in zip(graph.inputs, inputs) {
    values[placeholder.node?.id ?? -1] = [value]
  }
  func value(_ tensor: Tensor) throws -> Tensor {
    guard tensor.isTraced else { return tensor }
    return try #require(values[tensor.node?.id ?? -1])[tensor.outputIndex]
  }
  for node in graph.nodes {
    var arguments = try node.inputs.map(value)
    if arguments.count == 1, let view = node.primitive.view(of: arguments[0].layout) {
      values[node.id] = [
        Tensor(layout: view, dtype: arguments[0].dtype, storage: arguments[0].storage)
      ]
      continue
    }
    if !node.primitive.acceptsStrided { arguments = arguments.map { $0.contiguous() } }
    let outputs = node.outputs.map { Tensor.full($0.shape, 99, dtype: $0.dtype).contiguous() }
    let workspace = Workspace(pool: pool)
    let kernel = node.primitive.prepare(
      arguments.compactMap(\.operand), outputs.compactMap(\.operand), workspace)
    workspace.reserve()
    try withExtendedLifetime(arguments) { try kernel() }
    values[node.id] = outputs
  }
  return try graph.outputs.map(value)
}

/// Expects what a pass makes of the graph of a function, and that plans before and after give the same numbers, to a relative
/// and absolute `tolerance`: 0 for the same bits.
package func expectPass(
  _ pass: some Pass, _ inputs: [Tensor], before: String? = nil, after: String? = nil,
  tolerance: Double = 0, _ body: ([Tensor]) throws -> [Tensor],
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let graph = try Trace.record(inputs.map(\.spec), body)
  let rewritten = pass.run(graph)
  if let before { #expect(graph.description == before, sourceLocation: sourceLocation) }
  if let after { #expect(rewritten.description == after, sourceLocation: sourceLocation) }
  let expected = try Plan(graph, passes: [])(inputs)
  let actual = try Plan(rewritten, passes: [])(inputs)
  #expect(actual.count == expected.count)
  for (a, b) in zip(actual, expected) {
    expectClose(a, b, atol: tolerance, rtol: tolerance, sourceLocation: sourceLocation)
  }
  // The parts that threads do make up the whole.
  for threads in 1...3 {
    for (a, b) in zip(try run(rewritten, inputs, threads: threads), actual) {
      expectClose(a, b, atol: 0, rtol: 0, sourceLocation: sourceLocation)
    }
  }
}
