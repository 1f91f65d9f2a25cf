import Tensors

/// One call of a layer on symbolic tensors: what went in and what came out.
///
/// A node belongs to the tensors it gives, and to the models made of them. Layers know their nodes as long as these are
/// there, so nothing keeps itself alive.
///
/// - SeeAlso: Keras, `keras.src.ops.node.Node`.
public final class KerasNode {
  /// The layer that was called.
  public let outboundLayer: AnyModule
  /// What it was called on; nil for an input of the graph.
  let inputs: KerasStructure?
  /// What it gave, with other tensors in the places of the results.
  private let form: Structure
  let specs: [KerasSpec]
  let isValid: Bool

  init(
    _ layer: AnyModule, inputs: KerasStructure?, form: Structure, outputs: [KerasSpec],
    isValid: Bool = true
  ) {
    outboundLayer = layer
    self.inputs = inputs
    self.form = form
    specs = outputs
    self.isValid = isValid
    guard isValid else { return }
    layer.connections.inbound.add(self)
    var seen: Set<ObjectIdentifier> = []
    for source in inboundLayers where seen.insert(ObjectIdentifier(source)).inserted {
      source.connections.outbound.add(self)
    }
  }

  /// Whether this is an input of the graph rather than a call.
  public var isInput: Bool { inputs == nil }

  /// What the layer was called on, in order; for an input of the graph the input itself, as in Keras.
  public var inputTensors: [KerasTensor] { inputs?.tensors ?? outputTensors }

  /// What the layer gave, in order.
  public var outputTensors: [KerasTensor] {
    specs.indices.map { KerasTensor(node: self, index: $0) }
  }

  /// What the layer gave, in the form in which it did.
  public var outputs: KerasStructure {
    var rest = outputTensors[...]
    return KerasStructure(form) { _ in rest.popFirst() ?? .invalid }
  }

  /// The layers that gave the input tensors, one a tensor; none for an input of the graph.
  public var inboundLayers: [AnyModule] { inputs?.tensors.map(\.node.outboundLayer) ?? [] }

  /// The place among the layer's calls.
  var index: Int { outboundLayer.inboundNodes.firstIndex { $0 === self } ?? 0 }
}

/// What a layer knows of the graphs that it is in.
struct LayerConnections {
  /// Calls of the layer.
  var inbound = NodeList()
  /// Calls on what the layer gave.
  var outbound = NodeList()
  /// The name that the first model gave the layer.
  var name: String?
}

/// Nodes that others own, in the order in which they were made.
struct NodeList {
  private struct Reference {
    weak var node: KerasNode?
  }

  private var references: [Reference] = []

  var nodes: [KerasNode] { references.compactMap(\.node) }

  mutating func add(_ node: KerasNode) {
    references.removeAll { $0.node == nil }
    references.append(Reference(node: node))
  }
}
