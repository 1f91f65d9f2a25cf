extension Trace {
  /// Runs `body` on traced tensors of these shapes and gives what it did as a graph.
  package static func record(
    _ specs: [TensorSpec], _ body: ([Tensor]) throws -> [Tensor]
  ) throws -> Graph {
    let trace = Trace(parent: nil)
    let inputs = specs.enumerated().map { Placeholder.tensor($1, index: $0) }
    let outputs = try withErrors { try trace { try body(inputs) } }
    return Graph(
      inputs: inputs, variables: trace.variables.map { ($0, trace.placeholder(of: $0)) },
      outputs: outputs, updates: trace.written.map { ($0, trace.lastValue(of: $0)) },
      guards: trace.guards, kept: trace.kept)
  }
}
