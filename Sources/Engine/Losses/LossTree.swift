import Tensors

/// A loss, or several of them: what a list or dictionary of losses holds.
public protocol LossNode: Sendable {
  /// Itself with everything in it.
  var lossTree: LossTree { get }
}

/// The losses of a model: a list or a dictionary of them, nested at will.
///
/// ```swift
/// Model(module: m, losses: [MeanSquaredError(on: "a"), MeanAbsoluteError(on: "b")])
/// Model(module: m, losses: ["a": .named(["b": .list([f, f]), "c": f])])
/// ```
///
/// The form has nothing to do with that of labels and outputs: each loss gets all of them and takes what it wants.
public struct LossTree: LossNode {
  let content: Nested<any Loss>

  /// One loss.
  public init(_ loss: some Loss) { content = .leaf(loss) }

  fileprivate init(_ content: Nested<any Loss>) { self.content = content }

  /// Itself.
  public var lossTree: LossTree { self }
}

extension Loss {
  /// This loss alone.
  public var lossTree: LossTree { LossTree(self) }
}

extension LossTree: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
  /// Several losses; the total is their sum.
  public init(arrayLiteral elements: any LossNode...) {
    self.init(Nested.list(elements.map(\.lossTree.content)))
  }
  /// Several losses with names; the total is their sum.
  public init(dictionaryLiteral elements: (String, any LossNode)...) {
    self.init(Nested.named(elements.map { ($0, $1.lossTree.content) }))
  }
}

extension LossNode where Self == LossTree {
  /// Several losses, also inside a list or dictionary of losses.
  public static func list(_ nodes: [any LossNode]) -> LossTree {
    LossTree(Nested.list(nodes.map(\.lossTree.content)))
  }
  /// Several losses with names, also inside a list or dictionary of losses.
  public static func named(_ nodes: KeyValuePairs<String, any LossNode>) -> LossTree {
    LossTree(Nested.named(nodes.map { ($0.key, $0.value.lossTree.content) }))
  }
}

/// A loss with its name in logs, as `Model` holds it.
struct LossEntry {
  let loss: any Loss
  /// `mean_squared_error_loss`, `a_loss/mean_squared_error`.
  let name: String

  /// What the loss asks for.
  let requirements: [Requirement]

  init(loss: any Loss, name: String) {
    self.loss = loss
    self.name = name
    requirements = loss.requirements
  }

  /// Whether the loss is about samples and leaves their weights to the reduction.
  var needsSampleValues: Bool {
    let names = requirements.map(\.name)
    return !names.contains("sampleWeight")
      && ["x", "yTrue", "yPred"].contains(where: names.contains)
  }

  /// Whether the loss has nothing to do with samples: each rank has the whole of it.
  var isWithoutSamples: Bool {
    !requirements.contains { ["x", "yTrue", "yPred", "sampleWeight"].contains($0.name) }
  }

  /// The name in logs of one part: `some_loss/a`.
  func name(part: String?) -> String { part.map { "\(name)/\($0)" } ?? name }

  /// The losses of a tree in order. The first part of each name ends in `loss`, and equal names are numbered.
  static func entries(of tree: LossTree?) -> [LossEntry] {
    var unique = UniqueNames()
    return (tree?.content.leaves ?? []).map { prefix, loss in
      var path = prefix + [loss.name]
      if !path[0].hasSuffix("loss") { path[0] += "_loss" }
      return LossEntry(loss: loss, name: unique(path.joined(separator: "/")))
    }
  }
}
