import Tensors

/// What a module was made with in a `call`, kept to be compared with what the next call makes it with.
///
/// - Tensors are the same with one shape, type and values; one without values (while tracing) with one shape and type.
/// - `Equatable` values are the same by `==`, or bit by bit, so that NaN is the same as NaN.
/// - Other structs, enums and collections are the same when their parts are.
/// - Objects of classes are the same by identity, by `==`, or when their properties are.
/// - Closures cannot be compared, and count as the same.
indirect enum HookArgument {
  case tensor(Tensor)
  case spec(TensorSpec)
  case equatable(any Equatable)
  case type(Any.Type)
  /// With the value itself where its bits are all there is to it.
  case parts(Any.Type, [(label: String?, part: HookArgument)], value: Any?)
  case object(HookObject)
  /// What is not compared: closures, and modules, which are children.
  case nothing

  init(_ value: Any) { self.init(value, Visit()) }

  /// What has been seen of a value: objects can hold each other in circles, and more than anybody makes a layer with.
  fileprivate final class Visit {
    private var seen: Set<ObjectIdentifier> = []
    private var left = 10_000

    /// Whether to look into an object.
    func enters(_ object: AnyObject) -> Bool { seen.insert(ObjectIdentifier(object)).inserted }

    /// Whether to look at one part more.
    func goesOn() -> Bool {
      left -= 1
      return left >= 0
    }
  }

  private init(_ value: Any, _ visit: Visit) {
    guard visit.goesOn() else {
      self = .nothing
      return
    }
    let type = Swift.type(of: value)
    if let tensor = value as? Tensor {
      self = tensor.isTraced ? .spec(tensor.spec) : .tensor(tensor.detached)
      return
    }
    switch MetadataKind(type) {
    case .function: self = .nothing
    case .metatype: self = (value as? Any.Type).map { .type($0) } ?? .nothing
    case .class:
      let object = value as AnyObject
      self =
        object is AnyModule || !visit.enters(object) ? .nothing : .object(HookObject(object, visit))
    default:
      if let equatable = value as? any Equatable {
        self = .equatable(equatable)
      } else {
        self = .parts(
          type, Self.parts(of: value, visit), value: Self.isPlain(value) ? value : nil)
      }
    }
  }

  fileprivate static func parts(
    of value: Any, _ visit: Visit = Visit()
  ) -> [(label: String?, part: HookArgument)] {
    let mirror = Mirror(reflecting: value)
    var children = Array(mirror.children)
    var level = mirror.superclassMirror
    while let base = level {
      children += base.children
      level = base.superclassMirror
    }
    // An enum's case without values has no children, only a name.
    if children.isEmpty, mirror.displayStyle == .enum { return [("\(value)", .nothing)] }
    if mirror.displayStyle == .dictionary || mirror.displayStyle == .set {
      children.sort { "\($0.value)" < "\($1.value)" }
    }
    return children.map { ($0.label, HookArgument($0.value, visit)) }
  }

  /// Whether a value can stand where this one stood.
  func isSame(as value: Any) -> Bool {
    switch self {
    case .nothing: return true
    case .spec(let spec): return (value as? Tensor)?.spec == spec
    case .tensor(let tensor): return (value as? Tensor)?.hasValues(of: tensor) ?? false
    case .type(let type): return (value as? Any.Type) == type
    case .equatable(let expected): return Self.isEqual(expected, value)
    case .object(let object):
      return MetadataKind(Swift.type(of: value)) == .class && object.isSame(as: value)
    case .parts(let type, let parts, let plain):
      return type == Swift.type(of: value)
        && (plain.map { Self.haveSameBits($0, value) } ?? false
          || Self.match(parts, Self.parts(of: value)))
    }
  }

  /// Whether this and `other`, which was made of another value, are the same.
  private func isSame(as other: HookArgument) -> Bool {
    switch (self, other) {
    case (.nothing, _), (_, .nothing): true
    case (.spec(let spec), .tensor(let tensor)), (.tensor(let tensor), .spec(let spec)):
      tensor.spec == spec
    case (.spec(let a), .spec(let b)): a == b
    case (.tensor(let a), .tensor(let b)): a.hasValues(of: b)
    case (.type(let a), .type(let b)): a == b
    case (.equatable(let a), .equatable(let b)): Self.isEqual(a, b)
    case (.object(let a), .object(let b)): a.isSame(as: b)
    case (.parts(let type, let parts, _), .parts(let otherType, let others, _)):
      type == otherType && Self.match(parts, others)
    default: false
    }
  }

  fileprivate static func match(
    _ parts: [(label: String?, part: HookArgument)],
    _ others: [(label: String?, part: HookArgument)]
  ) -> Bool {
    parts.count == others.count
      && zip(parts, others).allSatisfy { $0.label == $1.label && $0.part.isSame(as: $1.part) }
  }

  fileprivate static func isEqual<T: Equatable>(_ expected: T, _ value: Any) -> Bool {
    guard let value = value as? T else { return false }
    return value == expected || haveSameBits(value, expected)
  }

  private static func isPlain<T>(_ value: T) -> Bool { _isPOD(T.self) }

  private static func haveSameBits<T>(_ a: T, _ b: Any) -> Bool {
    guard _isPOD(T.self), let b = b as? T else { return false }
    return withUnsafeBytes(of: a) { a in withUnsafeBytes(of: b) { a.elementsEqual($0) } }
  }
}

/// An object that a module was made with; not kept alive.
final class HookObject {
  private weak var object: AnyObject?
  private let type: Any.Type
  private let parts: [(label: String?, part: HookArgument)]

  fileprivate init(_ object: AnyObject, _ visit: HookArgument.Visit) {
    self.object = object
    type = Swift.type(of: object)
    parts = HookArgument.parts(of: object, visit)
  }

  func isSame(as value: Any) -> Bool {
    let (other, visit) = (value as AnyObject, HookArgument.Visit())
    if let object, object === other { return true }
    return visit.enters(other) && isSame(as: HookObject(other, visit))
  }

  /// Both have been walked in the same order, so that what was left out of one was left out of the other.
  func isSame(as other: HookObject) -> Bool {
    guard type == other.type else { return false }
    if let object, let value = other.object {
      if object === value { return true }
      if let equatable = object as? any Equatable { return HookArgument.isEqual(equatable, value) }
    }
    return HookArgument.match(parts, other.parts)
  }
}

extension Tensor {
  /// Whether both have one shape, type and values, bit by bit.
  fileprivate func hasValues(of other: Tensor) -> Bool {
    guard spec == other.spec else { return false }
    if isTraced || other.isTraced { return true }
    if storage === other.storage, layout == other.layout { return true }
    return withUnsafeBytes { a in other.withUnsafeBytes { a.elementsEqual($0) } }
  }
}
