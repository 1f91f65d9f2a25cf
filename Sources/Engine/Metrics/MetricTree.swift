import Tensors

/// A metric, or several of them: what a list or dictionary of metrics holds.
public protocol MetricNode {
  /// Itself with everything in it.
  var metricTree: MetricTree { get }
}

/// The metrics of a model: a list or a dictionary of them, nested at will. Names in logs are paths: `a/b/accuracy`.
public struct MetricTree: MetricNode {
  let content: Nested<AnyMetric>

  /// Several metrics.
  public init(_ metrics: [AnyMetric]) { content = .list(metrics.map(Nested.leaf)) }

  fileprivate init(_ content: Nested<AnyMetric>) { self.content = content }

  /// Itself.
  public var metricTree: MetricTree { self }
}

extension AnyMetric: MetricNode {
  /// This metric alone.
  public var metricTree: MetricTree { MetricTree(.leaf(self)) }
}

extension MetricTree: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
  /// Several metrics.
  public init(arrayLiteral elements: any MetricNode...) {
    self.init(Nested.list(elements.map(\.metricTree.content)))
  }
  /// Several metrics with names.
  public init(dictionaryLiteral elements: (String, any MetricNode)...) {
    self.init(Nested.named(elements.map { ($0, $1.metricTree.content) }))
  }
}

extension MetricNode where Self == MetricTree {
  /// Several metrics, also inside a list or dictionary of metrics.
  public static func list(_ nodes: [any MetricNode]) -> MetricTree {
    MetricTree(Nested.list(nodes.map(\.metricTree.content)))
  }
  /// Several metrics with names, also inside a list or dictionary of metrics.
  public static func named(_ nodes: KeyValuePairs<String, any MetricNode>) -> MetricTree {
    MetricTree(Nested.named(nodes.map { ($0.key, $0.value.metricTree.content) }))
  }
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
