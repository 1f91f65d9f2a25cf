/// What a traced function does: its inputs, the variables that it reads, its outputs, and the variables that it changes.
package struct Graph {
  package var inputs: [Tensor]
  package var variables: [(variable: Variable, placeholder: Tensor)]
  package var outputs: [Tensor]
  package var updates: [(variable: Variable, value: Tensor)]
  package var guards: [TraceGuard] = []
  /// Results of operations that happen whoever reads them.
  package var kept: [Tensor] = []

  private var ends: [Tensor] { outputs + updates.map(\.value) + kept }

  /// The operations that matter, in the order in which they were traced; what nothing depends on is left out.
  package var nodes: [Node] {
    reachable(from: ends).filter { !($0.primitive is Placeholder) }
  }

  /// Throws when an operation reads a tensor of another trace, which has no values.
  package func checkIsClosed() throws {
    let own = Set((inputs + variables.map(\.placeholder)).compactMap { $0.node?.id })
    for node in reachable(from: ends)
    where node.primitive is Placeholder && !own.contains(node.id) {
      throw node.output(0).leak("another traced function uses it")
    }
  }
}

extension Graph: CustomStringConvertible {
  /// One line an operation.
  package var description: String {
    var names: [Int: String] = [:]
    for (index, input) in inputs.enumerated() { names[input.node?.id ?? -1] = "in\(index)" }
    for (variable, placeholder) in variables { names[placeholder.node?.id ?? -1] = variable.path }
    var lines: [String] = []
    func name(_ tensor: Tensor) -> String {
      guard tensor.isTraced, let node = tensor.node else {
        return tensor.elementCount == 1 ? "\(tensor.item())" : "const \(tensor.spec)"
      }
      let base = names[node.id] ?? "?"
      return node.outputs.count > 1 ? "\(base).\(tensor.outputIndex)" : base
    }
    for (index, node) in nodes.enumerated() {
      names[node.id] = "%\(index)"
      let arguments = node.inputs.map(name).joined(separator: ", ")
      let specs = node.outputs.map(\.description).joined(separator: ", ")
      lines.append("%\(index) = \(node.primitive.name)(\(arguments)) : \(specs)")
    }
    lines += updates.map { "\($0.variable.path) <- \(name($0.value))" }
    if !outputs.isEmpty { lines.append("return " + outputs.map(name).joined(separator: ", ")) }
    return lines.joined(separator: "\n")
  }
}
