import Tensors

/// The metrics of a model: a list or a dictionary of them, nested at will. Names in logs are paths: `a/b/accuracy`.
public typealias MetricTree = LeafTree<AnyMetric>

/// A metric, or several of them: what a list or dictionary of metrics holds.
public typealias MetricNode = LeafTreeNode<AnyMetric>

extension MetricTree {
  /// A list of metrics, whose names in logs are their own.
  public init(_ metrics: [AnyMetric]) { content = .list(metrics.map(Nested.leaf)) }
}

extension AnyMetric: LeafTreeNode {
  /// A tree of this metric alone.
  public var leafTree: MetricTree { MetricTree(content: .leaf(self)) }
}

/// A metric with the names on the way to it, as `Model` holds it.
struct MetricEntry {
  let metric: AnyMetric
  private let prefix: [String]

  /// `a/b/accuracy`, or `a/b/weighted_accuracy`.
  func name(prefixed: String = "") -> String {
    (prefix + [prefixed + metric.name]).joined(separator: "/")
  }

  static func entries(of tree: MetricTree) -> [MetricEntry] {
    tree.content.leaves.map { MetricEntry(metric: $0.leaf, prefix: $0.prefix) }
  }
}
