/// The losses of a model: one, a list or a dictionary of them, nested at will.
///
/// The form has nothing to do with that of labels and outputs: each loss gets all of them and takes what it wants.
public indirect enum LossTree: Sendable {
  /// One loss.
  case loss(any Loss)
  /// Losses without names of their own.
  case list([LossTree])
  /// Losses under names, in this order.
  case named([(String, LossTree)])

  /// A loss, as an element of a list.
  public static func of(_ loss: some Loss) -> LossTree { .loss(loss) }
}

extension LossTree: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
  /// Several losses; the total is their sum.
  public init(arrayLiteral elements: any Loss...) { self = .list(elements.map(LossTree.loss)) }
  /// Several losses with names; the total is their sum.
  public init(dictionaryLiteral elements: (String, any Loss)...) {
    self = .named(elements.map { ($0, .loss($1)) })
  }
}

/// A loss with its name in logs, as `Model` holds it.
struct LossEntry {
  let loss: any Loss
  /// The path to it, such as `["a_loss", "mean_squared_error"]`.
  let path: [String]

  /// The name in logs of one part: `mean_squared_error_loss`, `some_loss/a`.
  func name(part: String?) -> String { (path + (part.map { [$0] } ?? [])).joined(separator: "/") }

  /// The losses of a tree in order. The first element of each path ends in `loss`, and equal paths are numbered.
  static func entries(of tree: LossTree?) -> [LossEntry] {
    var found: [LossEntry] = []
    func visit(_ tree: LossTree, _ prefix: [String]) {
      switch tree {
      case .loss(let loss):
        var path = prefix + [loss.name]
        if !path[0].hasSuffix("loss") { path[0] += "_loss" }
        found.append(LossEntry(loss: loss, path: path))
      case .list(let trees): trees.forEach { visit($0, prefix) }
      case .named(let trees): trees.forEach { visit($1, prefix + [$0]) }
      }
    }
    if let tree { visit(tree, []) }
    var seen: [[String]: Int] = [:]
    return found.map { entry in
      let count = seen[entry.path, default: 0]
      seen[entry.path] = count + 1
      guard count > 0 else { return entry }
      return LossEntry(
        loss: entry.loss, path: entry.path.dropLast() + ["\(entry.path.last ?? "")_\(count)"])
    }
  }
}
