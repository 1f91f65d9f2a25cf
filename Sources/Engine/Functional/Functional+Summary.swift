import Tensors

extension Functional {
  /// Keras's table: every layer with its type, the shape of its output, the number of its weights and the layers whose
  /// outputs it takes; then the totals. Columns are as wide as their text.
  ///
  /// A layer that gives several shapes in different calls has `multiple`. `dense[1][0]` is result 0 of call 1 of `dense`,
  /// counted within this model.
  ///
  /// - Parameter expandNested: whether the layers of models inside this one follow them, indented.
  /// - Returns: the lines of the table, to be printed.
  /// - SeeAlso: Keras, `Model.summary`.
  public func summary(expandNested: Bool = false) -> String {
    var table = TextTable(
      ["Layer (type)", "Output Shape", "Param #", "Connected to"], style: .framed,
      alignedRight: 2..<3)
    addRows(to: &table, indent: 0, expandNested)
    let all = weights
    let trainable = all.filter { $0.kind == .parameter && $0.trainable }
    let frozen = all.filter { $0.kind != .parameter || !$0.trainable }
    return """
      Model: "\(layerName)"
      \(table.text)
      Total params: \(Self.size(all))
      Trainable params: \(Self.size(trainable))
      Non-trainable params: \(Self.size(frozen))
      """
  }

  private func addRows(to table: inout TextTable, indent: Int, _ expandNested: Bool) {
    for (name, layer) in graph.layers {
      let nodes = graph.nodes(of: layer)
      let count = layer.weights.reduce(0) { $0 + $1.shape.elementCount }
      table.add(
        lines: [
          [String(repeating: "  ", count: indent) + "\(name) (\(layer.typeName))"],
          [outputShape(nodes)], [count.grouped], connections(of: nodes),
        ])
      if expandNested, let inner = layer as? Functional {
        inner.addRows(to: &table, indent: indent + 1, true)
      }
    }
  }

  private func outputShape(_ nodes: [KerasNode]) -> String {
    let shapes = nodes.map { $0.specs.map { shapeText($0.shape) }.joined(separator: ", ") }
    return shapes.allSatisfy { $0 == shapes.first } ? shapes.first ?? "" : "multiple"
  }

  /// `dense[0][0]` for every input tensor, with the numbers of calls within this model.
  private func connections(of nodes: [KerasNode]) -> [String] {
    let sources = nodes.flatMap { $0.inputs?.tensors ?? [] }.map { tensor in
      let source = graph.resolved(tensor)
      let layer = source.node.outboundLayer
      let calls = graph.nodes.filter { $0.outboundLayer === layer }
      let call = calls.firstIndex { $0 === source.node } ?? 0
      return "\(graph.name(of: layer))[\(call)][\(source.index)]"
    }
    return sources.isEmpty ? ["-"] : sources
  }

  private static func size(_ variables: [Variable]) -> String {
    let count = variables.reduce(0) { $0 + $1.shape.elementCount }
    let bytes = variables.reduce(0) { $0 + $1.spec.byteCount }
    return "\(count.grouped) (\(bytes.asBytes))"
  }
}

extension AnyModule {
  /// What Keras counts as weights: what files of weights hold.
  fileprivate var weights: [Variable] { savedVariables.map(\.variable) }
}

extension Model {
  /// A table of the layers: Keras's for a ``Functional`` model, ``AnyModule/tabulate(depth:)`` for any other, whose
  /// layers exist after the first batch.
  public func summary() -> String { functional?.summary() ?? module.tabulate() }
}
