import OrderedCollections
import Tensors

/// Every stored property of a value, one line each: what ranks compare.
///
/// Found by reflection, so that a new argument of an optimizer or a loss is compared without anybody having to think of it, and those of types that
/// a user writes too. Left out: closures, modules and variables (which are compared by themselves), and memory
/// addresses.
enum SettingLines {
  /// Lines `path: value` in an order that depends on the types alone.
  static func lines(of value: Any, path: String) -> [String] {
    var walk = Walk()
    walk.visit(value, path)
    return walk.lines
  }

  /// The properties that a module's own classes declare.
  static func lines(ofModule module: AnyModule, path: String) -> [String] {
    var walk = Walk()
    walk.visitProperties(Mirror(reflecting: module), path, until: AnyModule.self)
    return walk.lines
  }

  private struct Walk {
    var lines: [String] = []
    private var seen: Set<ObjectIdentifier> = []
    /// More than anybody makes a layer with.
    private var left = 10_000

    mutating func visit(_ value: Any, _ path: String) {
      left -= 1
      guard left >= 0 else { return }
      switch value {
      case let tensor as Tensor:
        let hash = tensor.isTraced ? "" : " \(String(tensor.valueHash, radix: 16))"
        return add(path, "\(tensor.spec)\(hash)")
      case is Variable, is AnyModule, is ObjectIdentifier, is [Variable], is [AnyModule]: return
      case let text as String: return add(path, "\"\(text)\"")
      case let value as any BinaryInteger: return add(path, "\(value)")
      case let value as any BinaryFloatingPoint: return add(path, "\(value)")
      case let value as Bool: return add(path, "\(value)")
      default: break
      }
      let type = type(of: value)
      switch MetadataKind(type) {
      case .function: return
      case .metatype: return add(path, "\(value)")
      case .class:
        let object = value as AnyObject
        guard seen.insert(ObjectIdentifier(object)).inserted else { return }
        add(path, "\(type)")
        visitProperties(Mirror(reflecting: object), path, until: nil)
      default: visitParts(of: value, type, path)
      }
    }

    private mutating func visitParts(of value: Any, _ type: Any.Type, _ path: String) {
      let mirror = Mirror(reflecting: value)
      switch mirror.displayStyle {
      case .optional:
        guard let some = mirror.children.first else { return add(path, "nil") }
        visit(some.value, path)
      case .collection:
        if mirror.children.count > 64, hasPlainElements(value) {
          return add(path, "\(mirror.children.count) elements \(StableHash.of("\(value)".utf8))")
        }
        add(path, "\(mirror.children.count) elements")
        for (index, child) in mirror.children.enumerated() {
          visit(child.value, "\(path)[\(index)]")
        }
      case .dictionary:
        if value is any KeyedByIdentity { return }
        let entries = mirror.children.map { child in
          let pair = Array(Mirror(reflecting: child.value).children)
          return (key: "\(pair[0].value)", value: pair[1].value)
        }
        add(path, "\(entries.count) entries")
        for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
          visit(value, "\(path)[\(key)]")
        }
      case .set: add(path, mirror.children.map { "\($0.value)" }.sorted().joined(separator: ", "))
      case .enum:
        guard let payload = mirror.children.first else { return add(path, "\(value)") }
        add(path, payload.label ?? "")
        visit(payload.value, "\(path).\(payload.label ?? "")")
      default:
        if mirror.children.isEmpty { return add(path, "\(type)") }
        if mirror.displayStyle == .struct { add(path, "\(type)") }
        visitProperties(mirror, path, until: nil)
      }
    }

    mutating func visitProperties(_ mirror: Mirror, _ path: String, until base: Any.Type?) {
      var levels: [Mirror] = []
      var level: Mirror? = mirror
      while let next = level, next.subjectType != base {
        levels.append(next)
        level = next.superclassMirror
      }
      for level in levels.reversed() {
        for child in level.children {
          // What a metric has counted in is no setting: it is made by the first batch.
          if level.subjectType == AnyMetric.self, child.label == "states" { continue }
          visit(child.value, child.label.map { "\(path).\($0)" } ?? path)
        }
      }
    }

    private mutating func add(_ path: String, _ text: String) { lines.append("\(path): \(text)") }
  }
}

/// Whether a value is a collection of numbers, strings or booleans, whose text says all about it.
private func hasPlainElements(_ value: Any) -> Bool {
  func isPlain<C: Collection>(_ collection: C) -> Bool {
    let type: Any.Type = C.Element.self
    return type is any BinaryInteger.Type || type is any BinaryFloatingPoint.Type
      || type == String.self || type == Bool.self
  }
  return (value as? any Collection).map { isPlain($0) } ?? false
}

/// A dictionary of what is known about objects of this process.
private protocol KeyedByIdentity {}

extension Dictionary: KeyedByIdentity where Key == ObjectIdentifier {}

extension Tensor {
  /// A hash of the values, equal on all ranks for equal bits.
  var valueHash: UInt64 { withUnsafeBytes { StableHash.of($0) } }
}
