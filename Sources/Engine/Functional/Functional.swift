import OrderedCollections
import Tensors

/// A model made of a graph of layers, from some of its tensors to others.
///
/// ```swift
/// let a = Input(shape: [32], name: "a")
/// let b = Input(shape: [32], name: "b")
/// let shared = Dense(16)
/// let score = Dense(1, name: "score")(concatenate([shared(a), shared(b)], axis: -1))
/// let model = Functional(inputs: [a, b], outputs: score)
/// ```
///
/// It is a module like any other: `Model(module:...)` trains it, and it is a layer of other graphs. The layers are its
/// children, each once, however often it is called; they can be children of other models as well, with one set of
/// weights. Inputs can be tensors in the middle of a graph too.
///
/// Data is a tensor, a list in the order of the inputs, or a dictionary by their names (others are ignored); it is
/// converted to the inputs' scalar types. The output has the form of `outputs`.
///
/// - SeeAlso: Keras, `keras.Model(inputs=..., outputs=...)`.
public final class Functional: AnyModule, Callable {
  let graph: FunctionalGraph
  /// Values that no later call needs, by the call after which they go.
  private let releases: [[KerasTensor]]
  private var hasInitialValues = false

  /// The model that computes `outputs` from `inputs`.
  ///
  /// Outputs that need another input, inputs given twice and layers of equal names fail as ``withErrors(_:)``
  /// describes.
  public init(
    inputs: some KerasStructureConvertible, outputs: some KerasStructureConvertible,
    name: String? = nil
  ) {
    let (inputs, outputs) = (inputs.kerasStructure, outputs.kerasStructure)
    do {
      graph = try FunctionalGraph(inputs: inputs, outputs: outputs)
    } catch {
      fail(error)
      let nothing = KerasStructure.tensor(.invalid)
      graph = FunctionalGraph(failedWith: nothing)
    }
    releases = graph.releases
    super.init(name: name)
  }

  override var hasAllVariables: Bool { true }

  package override var propertyModules: [(label: String, module: AnyModule)] {
    graph.layers.map { ($0.name, $0.layer) }
  }

  /// A graph that is made anew in every call consists of other objects, with the same names and shapes.
  override var hookArguments: [(label: String, value: Any)] {
    [("graph", "\(graph)"), ("releases", "\(releases)")]
  }

  /// The inputs in order.
  public var inputs: [KerasTensor] { graph.inputs.tensors }

  /// The outputs in order.
  public var outputs: [KerasTensor] { graph.outputs.tensors }

  /// The input, of a model that has one. See also ``inputs``.
  public var input: KerasTensor { single(inputs, "input") }

  /// The output, of a model that has one. See also ``outputs``.
  public var output: KerasTensor { single(outputs, "output") }

  private func single(_ tensors: [KerasTensor], _ what: String) -> KerasTensor {
    guard tensors.count == 1 else {
      fail(
        EngineError.model(message: "\(title) has \(tensors.count) \(what)s: see \(what)s"))
      return .invalid
    }
    return tensors[0]
  }

  /// The names of the inputs in order, by which dictionaries give them.
  public var inputNames: [String] { graph.entries.map { graph.name(of: $0.node.outboundLayer) } }

  /// The layers, inputs included, in Keras's order: farthest from the outputs first.
  public var layers: [AnyModule] { graph.layers.map(\.layer) }

  /// The layer with this name. There must be one.
  public func layer(_ name: String) -> AnyModule {
    if let found = graph.layers.first(where: { $0.name == name })?.layer { return found }
    let names = graph.layers.map(\.name)
    fail(EngineError(.model, .name(name, kind: "layer", holder: title, known: names)))
    return InputLayer(shape: [], dtype: .float32, name: name)
  }

  /// The outputs for some data.
  public func call(_ input: Structure) -> Structure {
    do {
      return try run(input, mask: nil)
    } catch {
      fail(error)
      return graph.outputs.map { _ in .invalid }
    }
  }

  /// The outputs for some data, with a mask of the first input.
  func run(_ input: Structure, mask: Tensor?) throws -> Structure {
    // Now path and seed are known, and what an initializer does not like is reported here.
    if !hasInitialValues, !SymbolicCall.isRunning {
      visit { _, module in module.scope.variables.values.forEach { $0.drawInitial() } }
      hasInitialValues = true
    }
    var values = GraphValues()
    for (tensor, value) in zip(graph.entries, try inputTensors(input)) {
      values.tensors[tensor] = value
    }
    if let mask, let first = graph.entries.first { values.masks[first] = mask }
    for (node, released) in zip(graph.nodes, releases) {
      try values.call(node, graph)
      for tensor in released { values.tensors[tensor] = nil }
    }
    ModuleContext.current?.notes.outputMask =
      graph.outputs.tensor.flatMap { values.masks[graph.resolved($0)] }
    return graph.outputs.map { values[graph.resolved($0)] }
  }
}

extension FunctionalGraph {
  /// A graph without calls, in place of one that could not be made.
  fileprivate init(failedWith nothing: KerasStructure) {
    inputs = nothing
    outputs = nothing
  }

  /// The tensors that no node after each one needs.
  fileprivate var releases: [[KerasTensor]] {
    var needed = Set(outputs.tensors.map(resolved))
    return nodes.reversed().map { node in
      (node.inputs?.tensors ?? []).map(resolved).filter { needed.insert($0).inserted }
    }.reversed()
  }
}
