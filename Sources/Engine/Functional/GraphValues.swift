import Tensors

/// What the tensors of a graph are while a model of it runs.
struct GraphValues {
  var tensors: [KerasTensor: Tensor] = [:]
  /// Which steps count, of tensors that have a mask.
  var masks: [KerasTensor: Tensor] = [:]

  subscript(tensor: KerasTensor) -> Tensor { tensors[tensor] ?? .invalid }

  /// Runs one call.
  ///
  /// Masks go on as in ``Sequential``: one that a layer announces is that of its outputs; a layer that works on each
  /// step by itself keeps that of its first input.
  ///
  /// - Throws: ``EngineError`` when the layer gives another number of tensors than when the graph was made.
  mutating func call(_ node: KerasNode, _ graph: FunctionalGraph) throws {
    guard let inputs = node.inputs else { return }
    let (layer, context) = (node.outboundLayer, ModuleContext.current)
    let mask = inputs.tensors.first.flatMap { masks[graph.resolved($0)] }
    context?.notes.outputMask = nil
    let results: [Tensor]
    if let mask, case .tensor(let tensor) = inputs, let sequence = layer as? any TakesMask {
      results = try sequence.call(self[graph.resolved(tensor)], mask: mask).tensors
    } else {
      results = try layer.call(structure: inputs.map { self[graph.resolved($0)] }).tensors
    }
    let places = node.outputTensors
    guard results.count == places.count else {
      throw EngineError.model(
        message:
          "the layer \(layer.title) gave \(places.count) tensors when the graph was made and "
          + "gives \(results.count) now")
    }
    for (place, result) in zip(places, results) { tensors[place] = result }
    if let first = places.first {
      masks[first] = context?.notes.outputMask ?? (layer is any KeepsMask ? mask : nil)
    }
  }
}

extension Functional: TakesMask {
  func call(_ x: Tensor, mask: Tensor) throws -> Structure {
    try enter { try run(.tensor(x), mask: mask) }
  }
}
