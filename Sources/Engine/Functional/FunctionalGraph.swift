import Tensors

/// The calls between some inputs and some outputs, in an order in which they can be run.
struct FunctionalGraph {
  /// The inputs as they were given.
  let inputs: KerasStructure
  /// The outputs as they were given.
  let outputs: KerasStructure
  /// Calls, inputs included, farthest from the outputs first.
  private(set) var nodes: [KerasNode] = []
  /// The longest way from each node to an output.
  private(set) var depths: [ObjectIdentifier: Int] = [:]
  /// The layers with their names, unique in the graph; farthest from the outputs first.
  private(set) var layers: [(name: String, layer: AnyModule)] = []
  /// Inputs that are results of calls, and the fresh inputs that take their places.
  private var substitutes: [KerasTensor: KerasTensor] = [:]

  /// - Throws: ``EngineError/model(message:)`` when outputs cannot be computed from the inputs, when an input is given
  ///   twice, and when two layers have one name.
  init(inputs: KerasStructure, outputs: KerasStructure) throws {
    self.inputs = inputs.unwrapped
    self.outputs = outputs.unwrapped
    guard !(inputs.tensors + outputs.tensors).contains(where: \.isInvalid) else { return }
    guard !outputs.tensors.isEmpty, !inputs.tensors.isEmpty else {
      throw EngineError.model(message: "a functional model needs at least one input and one output")
    }
    var seen: Set<KerasTensor> = []
    for tensor in inputs.tensors {
      guard seen.insert(tensor).inserted else {
        throw EngineError.model(
          message: "the inputs of the model contain the tensor of layer \"\(tensor.name)\" "
            + "several times: every input should appear once")
      }
      if !tensor.node.isInput {
        substitutes[tensor] = KerasTensor(
          shapeWithBatch: tensor.shape, dtype: tensor.dtype, name: nil)
      }
    }
    var walk = Walk(graph: self, inputs: self.inputs.tensors.map { resolved($0).node })
    for tensor in self.outputs.tensors { try walk.visit(tensor, from: nil) }
    walk.measure()
    depths = walk.depths
    nodes = walk.nodes.enumerated().sorted {
      let (a, b) = (walk.depth($0.element), walk.depth($1.element))
      return a == b ? $0.offset < $1.offset : a > b
    }.map(\.element)
    layers = try uniqueLayerNames(walk.orderedLayers())
    for (name, layer) in layers where layer.connections.name == nil {
      layer.connections.name = name
    }
  }

  /// A tensor, or the input that takes its place.
  func resolved(_ tensor: KerasTensor) -> KerasTensor { substitutes[tensor] ?? tensor }

  /// The tensors that the inputs' values go to.
  var entries: [KerasTensor] { inputs.tensors.map(resolved) }

  /// The name of a layer of the graph.
  func name(of layer: AnyModule) -> String {
    layers.first { $0.layer === layer }?.name ?? layer.layerName
  }

  /// The calls of one layer within the graph.
  func nodes(of layer: AnyModule) -> [KerasNode] { nodes.filter { $0.outboundLayer === layer } }
}

extension FunctionalGraph: CustomStringConvertible {
  /// The names of the layers.
  var description: String { "[" + layers.map(\.name).joined(separator: ", ") + "]" }
}

/// The way from the outputs back to the inputs.
///
/// - SeeAlso: Keras, `map_graph` of `keras/src/ops/function.py`: the order of layers in a model is Keras's.
private struct Walk {
  let graph: FunctionalGraph
  let inputs: [KerasNode]
  /// Every node after those that it needs.
  private(set) var nodes: [KerasNode] = []
  private(set) var depths: [ObjectIdentifier: Int] = [:]
  private var layerDepths: [ObjectIdentifier: Int] = [:]
  /// Layers in the order in which they were met.
  private var met: [AnyModule] = []
  private var seen: Set<ObjectIdentifier> = []
  private var metLayers: Set<ObjectIdentifier> = []

  init(graph: FunctionalGraph, inputs: [KerasNode]) {
    self.graph = graph
    self.inputs = inputs
  }

  mutating func visit(_ tensor: KerasTensor, from layer: AnyModule?) throws {
    let node = graph.resolved(tensor).node
    guard seen.insert(ObjectIdentifier(node)).inserted else { return }
    if node.isInput, !inputs.contains(where: { $0 === node }) {
      throw EngineError.model(
        message: "Graph disconnected: cannot obtain value for tensor \(tensor.name): "
          + "\(shapeText(tensor.shape)) at layer \"\(layer?.layerName ?? tensor.name)\". "
          + "The following previous layers were accessed without issue: "
          + "\(nodes.map(\.outboundLayer.layerName)). Is \"\(tensor.name)\" missing in inputs?")
    }
    meet(node.outboundLayer)
    for input in node.inputs?.tensors ?? [] { try visit(input, from: node.outboundLayer) }
    nodes.append(node)
  }

  private mutating func meet(_ layer: AnyModule) {
    if metLayers.insert(ObjectIdentifier(layer)).inserted { met.append(layer) }
  }

  /// Finds the depths of nodes and layers, and adds inputs that nothing uses.
  mutating func measure() {
    for node in nodes.reversed() {
      let layer = ObjectIdentifier(node.outboundLayer)
      let depth = max(depth(node), layerDepths[layer] ?? 0)
      layerDepths[layer] = depth
      depths[ObjectIdentifier(node)] = depth
      for tensor in node.inputs?.tensors ?? [] {
        let parent = graph.resolved(tensor).node
        depths[ObjectIdentifier(parent)] = max(self.depth(parent), depth + 1)
      }
    }
    for node in inputs where seen.insert(ObjectIdentifier(node)).inserted {
      nodes.append(node)
      meet(node.outboundLayer)
    }
  }

  func depth(_ node: KerasNode) -> Int { depths[ObjectIdentifier(node)] ?? 0 }

  func orderedLayers() -> [AnyModule] {
    met.enumerated().sorted {
      let a = layerDepths[ObjectIdentifier($0.element)] ?? 0
      let b = layerDepths[ObjectIdentifier($1.element)] ?? 0
      return a == b ? $0.offset < $1.offset : a > b
    }.map(\.element)
  }
}

/// Gives every layer a name: its own, that of an earlier model, or its type's with a number.
private func uniqueLayerNames(
  _ layers: [AnyModule]
) throws -> [(name: String, layer: AnyModule)] {
  var used: Set<String> = []
  var names: [ObjectIdentifier: String] = [:]
  for layer in layers {
    guard let name = layer.explicitName else { continue }
    guard used.insert(name).inserted else {
      let count = layers.count { $0.explicitName == name }
      throw EngineError.model(
        message: "The name \"\(name)\" is used \(count) times in the model. All layers should have "
          + "unique names.")
    }
    names[ObjectIdentifier(layer)] = name
  }
  for layer in layers {
    guard layer.explicitName == nil, let name = layer.connections.name,
      used.insert(name).inserted
    else { continue }
    names[ObjectIdentifier(layer)] = name
  }
  return layers.map { layer in
    if let name = names[ObjectIdentifier(layer)] { return (name, layer) }
    let base = snakeCase(layer.typeName)
    var name = base
    var count = 0
    while !used.insert(name).inserted {
      count += 1
      name = "\(base)_\(count)"
    }
    return (name, layer)
  }
}
