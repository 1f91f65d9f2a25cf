import Tensors

/// What every module is in a graph of layers: the calls it took part in.
///
/// Members of this protocol, `seed`, `variables` and `children` among them, give way to properties of equal names in modules.
public protocol KerasLayer: AnyModule {}

extension AnyModule: KerasLayer {}

extension KerasLayer {
  /// The calls of this layer on symbolic tensors, as far as their results, or models made of them, still exist.
  public var inboundNodes: [KerasNode] { connections.inbound.nodes }

  /// The calls on what this layer gave, as far as their results, or models made of them, still exist.
  public var outboundNodes: [KerasNode] { connections.outbound.nodes }

  /// What the layer gave when it was called first.
  public var output: KerasTensor { output(at: 0) }

  /// What the layer was first called on.
  public var input: KerasTensor { input(at: 0) }

  /// What the layer gave at a call.
  ///
  /// A layer that was not called as often, or that gave several tensors, is an error; `inboundNodes[0].outputs` has
  /// them all.
  ///
  /// - Parameter node: the number of the call, from 0.
  /// - Returns: the symbolic tensor of that call.
  @_disfavoredOverload
  public func output(at node: Int) -> KerasTensor {
    only("output", at: node) { $0.outputTensors }
  }

  /// What the layer was called on.
  ///
  /// A layer that was not called as often, or on several tensors, is an error; `inboundNodes[0].inputTensors` has them
  /// all.
  ///
  /// - Parameter node: the number of the call, from 0.
  /// - Returns: the symbolic tensor of that call.
  @_disfavoredOverload
  public func input(at node: Int) -> KerasTensor {
    only("input", at: node) { $0.inputTensors }
  }

  private func only(
    _ what: String, at index: Int, _ tensors: (KerasNode) -> [KerasTensor]
  ) -> KerasTensor {
    let nodes = inboundNodes
    guard nodes.indices.contains(index) else {
      fail(
        EngineError.model(
          message: nodes.isEmpty
            ? "the layer \(title) has never been called and thus has no \(what)"
            : "asked for the \(what) at node \(index), but the layer \(title) has only "
              + "\(counted(nodes.count, "inbound node"))"))
      return .invalid
    }
    let found = tensors(nodes[index])
    guard found.count == 1 else {
      fail(
        EngineError.model(
          message: "the layer \(title) has \(found.count) \(what) tensors: see "
            + "inboundNodes[\(index)].\(what)Tensors"))
      return .invalid
    }
    return found[0]
  }
}

extension AnyModule {
  /// The layer's name: the one it was made with, that which a model gave it, or its type's.
  var layerName: String { explicitName ?? connections.name ?? snakeCase(typeName) }

  /// Name and type for messages.
  var title: String { "\(layerName) (\(typeName))" }
}

extension AnyModule: Hashable {
  /// Whether both are the same object.
  public static func == (a: AnyModule, b: AnyModule) -> Bool { a === b }

  /// Hashes the object's identity.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
