import OrderedCollections
import Tensors

/// Tensors in the shape of a module: values taken out of one, gradients, values to put back.
///
/// A leaf has the path of the variable that it belongs to, and its kind. A part is reached as in the module itself:
///
/// ```swift
/// let gradients = try valueAndGrad(of: mlp) { loss(x, y) }.gradients
/// let kernel: Tensor = gradients.linear_1.kernel
/// mlp.setParameters(mlp.parameters() - 0.01 * gradients)
/// ```
///
/// It is `Codable`: `jit`, `grad`, `vmap` and the other transforms take it and give it.
@dynamicMemberLookup
public struct ModuleTree: Sendable {
  /// One tensor, and what it is in the module.
  public struct Leaf: Codable, Sendable {
    /// The value, or what stands for it (a gradient).
    public var value: Tensor
    /// What the variable is for.
    public let kind: VariableKind
  }

  /// The leaves by path, in the order of the module.
  public private(set) var leaves: OrderedDictionary<String, Leaf>

  init(_ leaves: OrderedDictionary<String, Leaf> = [:]) { self.leaves = leaves }

  /// The paths of all leaves, in the order of the module.
  public var paths: [String] { Array(leaves.keys) }
  /// Values in the order of ``paths``.
  public var values: [Tensor] { leaves.values.map(\.value) }
  /// The number of elements of all tensors.
  public var elementCount: Int { leaves.values.reduce(0) { $0 + $1.value.elementCount } }
  /// The bytes of all tensors.
  public var byteCount: Int { leaves.values.reduce(0) { $0 + $1.value.spec.byteCount } }

  /// The tensor at a path such as `linear/kernel`, of the variable's shape; nil when there is none.
  public subscript(path: String) -> Tensor? { leaves[path]?.value }

  /// The part below a name, such as `tree.linear`; empty when there is none.
  public subscript(dynamicMember name: String) -> ModuleTree { part(name) }

  /// The tensor with this name, of the variable's shape, such as `tree.linear.kernel`.
  ///
  /// One that does not exist fails as ``withErrors(_:)`` describes.
  @_disfavoredOverload
  public subscript(dynamicMember name: String) -> Tensor {
    if let tensor = self[name] { return tensor }
    return fail(unknown(name))
  }

  private func unknown(_ path: String) -> EngineError {
    EngineError(.model, .name(path, kind: "tensor", holder: nil, known: paths))
  }

  /// The part below a path such as `encoder/layers/0`, with paths from there.
  public func part(_ path: String) -> ModuleTree {
    var found: OrderedDictionary<String, Leaf> = [:]
    let prefix = path + "/"
    for (path, leaf) in leaves where path.hasPrefix(prefix) {
      found[String(path.dropFirst(prefix.count))] = leaf
    }
    return ModuleTree(found)
  }

  /// The leaves of these kinds.
  public func filter(_ kinds: VariableKind...) -> ModuleTree { filter { kinds.contains($1.kind) } }

  /// The leaves for which `isWanted` holds.
  public func filter(_ isWanted: (_ path: String, _ leaf: Leaf) throws -> Bool) rethrows
    -> ModuleTree
  {
    ModuleTree(try leaves.filter { try isWanted($0.key, $0.value) })
  }

  /// A tree of the same form with other values.
  public func map(_ transform: (Tensor) throws -> Tensor) rethrows -> ModuleTree {
    try mapPaths { try transform($1) }
  }

  /// A tree of the same form with other values, which may depend on the path.
  public func mapPaths(
    _ transform: (_ path: String, _ value: Tensor) throws -> Tensor
  ) rethrows -> ModuleTree {
    var mapped = self
    for path in paths {
      if let leaf = leaves[path] { mapped.leaves[path]?.value = try transform(path, leaf.value) }
    }
    return mapped
  }

  /// A tree of the same form from the values of two trees at equal paths.
  ///
  /// Trees of different forms fail as ``withErrors(_:)`` describes, naming the first path that only one of them has.
  public func map(
    with other: ModuleTree, _ transform: (Tensor, Tensor) throws -> Tensor
  ) rethrows -> ModuleTree {
    let own = Set(paths)
    guard own == Set(other.paths) else {
      let odd = paths.first { other[$0] == nil } ?? other.paths.first { !own.contains($0) } ?? ""
      fail(
        EngineError.model(
          message: "two trees have different forms: only one of them has \"\(odd)\""))
      return self
    }
    return try mapPaths { path, value in try transform(value, other[path] ?? value) }
  }

  /// This tree with the leaves of `other` added, which win where both have one.
  public func merging(_ other: ModuleTree) -> ModuleTree {
    ModuleTree(leaves.merging(other.leaves) { $1 })
  }

  /// This tree with another value at `path`, which must exist.
  public func replacing(_ path: String, with value: Tensor) -> ModuleTree {
    guard leaves[path] != nil else {
      fail(unknown(path))
      return self
    }
    var replaced = self
    replaced.leaves[path]?.value = value
    return replaced
  }

  /// Sums at equal paths.
  public static func + (a: ModuleTree, b: ModuleTree) -> ModuleTree { a.map(with: b) { $0 + $1 } }
  /// Differences at equal paths.
  public static func - (a: ModuleTree, b: ModuleTree) -> ModuleTree { a.map(with: b) { $0 - $1 } }
  /// Every tensor multiplied by a number.
  public static func * (factor: Double, tree: ModuleTree) -> ModuleTree { tree.map { $0 * factor } }
}

extension ModuleTree: Codable {
  /// From a dictionary by path. Throws what `decoder` throws when it holds none.
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(OrderedDictionary<String, Leaf>.self))
  }

  /// As a dictionary by path. Throws what `encoder` throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(leaves)
  }
}
