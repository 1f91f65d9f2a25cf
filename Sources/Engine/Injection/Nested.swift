import Tensors

/// Losses or metrics in lists and dictionaries, nested at will.
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
