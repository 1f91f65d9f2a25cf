import Tensors

/// One loss or metric, or several of them: what a list or dictionary of them holds.
public protocol LeafTreeNode<Leaf> {
  /// What the tree is made of: `any Loss`, or `AnyMetric`.
  associatedtype Leaf
  /// Itself with everything in it.
  var leafTree: LeafTree<Leaf> { get }
}

/// Losses or metrics in lists and dictionaries, nested at will: ``LossTree`` and ``MetricTree``.
public struct LeafTree<Leaf>: LeafTreeNode {
  let content: Nested<Leaf>

  /// The tree itself, as a part of another one.
  public var leafTree: LeafTree { self }
}

extension LeafTree: Sendable where Leaf: Sendable {}

extension LeafTree: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
  /// Several, without names of their own; of losses the total is the sum.
  public init(arrayLiteral elements: any LeafTreeNode<Leaf>...) { self = .list(elements) }
  /// Several with names, which come before those of the leaves in logs; of losses the total is the sum.
  public init(dictionaryLiteral elements: (String, any LeafTreeNode<Leaf>)...) {
    content = .named(elements.map { ($0, $1.leafTree.content) })
  }
}

extension LeafTreeNode {
  /// Several, also inside a list or dictionary.
  public static func list<L>(_ nodes: [any LeafTreeNode<L>]) -> LeafTree<L>
  where Self == LeafTree<L> {
    LeafTree(content: .list(nodes.map { $0.leafTree.content }))
  }
  /// Several with names, also inside a list or dictionary.
  public static func named<L>(_ nodes: KeyValuePairs<String, any LeafTreeNode<L>>) -> LeafTree<L>
  where Self == LeafTree<L> {
    LeafTree(content: .named(nodes.map { ($0.key, $0.value.leafTree.content) }))
  }
}

/// What a ``LeafTree`` holds.
indirect enum Nested<Leaf> {
  case leaf(Leaf)
  case list([Nested])
  case named([(String, Nested)])

  /// The leaves in order, each with the names on the way to it: lists have none.
  var leaves: [(prefix: [String], leaf: Leaf)] {
    switch self {
    case .leaf(let leaf): [([], leaf)]
    case .list(let parts): parts.flatMap(\.leaves)
    case .named(let parts):
      parts.flatMap { name, part in part.leaves.map { ([name] + $0.prefix, $0.leaf) } }
    }
  }
}

extension Nested: Sendable where Leaf: Sendable {}

/// Numbers what has an equal name: `a`, `a_1`, `a_2`.
struct UniqueNames {
  private var used: Set<String>

  init(besides used: some Sequence<String> = []) { self.used = Set(used) }

  func contains(_ name: String) -> Bool { used.contains(name) }

  mutating func callAsFunction(_ name: String) -> String {
    var candidate = name
    var count = 0
    while !used.insert(candidate).inserted {
      count += 1
      candidate = "\(name)_\(count)"
    }
    return candidate
  }
}
