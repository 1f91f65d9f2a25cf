import Tensors

/// The losses of a model: a list or a dictionary of them, nested at will.
///
/// ```swift
/// Model(module: m, losses: [MeanSquaredError(on: "a"), MeanAbsoluteError(on: "b")])
/// Model(module: m, losses: ["a": .named(["b": .list([f, f]), "c": f])])
/// ```
///
/// The form has nothing to do with that of labels and outputs: each loss gets all of them and takes what it wants.
public typealias LossTree = LeafTree<any Loss>

/// A loss, or several of them: what a list or dictionary of losses holds.
public typealias LossNode = LeafTreeNode<any Loss>

extension LossTree {
  /// A tree of one loss, whose name in logs is its own.
  public init(_ loss: some Loss) { content = .leaf(loss) }
}

extension Loss {
  /// A tree of this loss alone.
  public var leafTree: LossTree { LossTree(self) }
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
