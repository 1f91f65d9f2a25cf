import Synchronization
import Tensors

/// The stored properties of a type of module: which there are and where is found once for the type, and every call reads them
/// there. Reflection by `Mirror` takes some microseconds a module and call.
///
/// Swift describes stored properties in its run-time library, in the functions that `Mirror` itself calls. A table is used
/// only where it has the names that `Mirror` gives for the first instance, and where every property is memory that can be
/// copied: weak references and types that cannot be copied leave a type to `Mirror`.
final class PropertyTable: Sendable {
  struct Property: Sendable {
    let label: String
    /// From the start of the object, in bytes.
    let offset: Int
    let byteCount: Int
    let reader: any PropertyReader.Type
    let holder: Holder
  }

  /// Whether a property can hold modules, by its declared type.
  enum Holder: Sendable {
    case never
    case modules(any ModuleHolder.Type)
    /// As its value says: `any Protocol` and `Any`.
    case anything
  }

  /// Nil where `Mirror` has to look.
  let properties: [Property]?
  /// Those that can hold modules.
  let holders: [Property]
  /// The name of the type, without generic arguments.
  let typeName: String
  /// ``typeName`` as the name of a module.
  let moduleName: String

  private static let tables = Mutex<[ObjectIdentifier: PropertyTable]>([:])

  /// The table of the module's type.
  static func table(of module: AnyModule) -> PropertyTable {
    let key = ObjectIdentifier(type(of: module))
    if let known = tables.withLock({ $0[key] }) { return known }
    let fresh = PropertyTable(module)
    return tables.withLock { tables in
      let table = tables[key] ?? fresh
      tables[key] = table
      return table
    }
  }

  private init(_ module: AnyModule) {
    let type = type(of: module)
    typeName = String("\(type)".prefix { $0 != "<" })
    moduleName = snakeCase(typeName)
    let isCustom = module is any CustomReflectable
    let found = isCustom ? nil : Self.properties(of: type)
    let isConfirmed = found.map { $0.map(\.label) == Self.labels(module) } ?? false
    properties = isConfirmed ? found?.filter { !$0.label.hasPrefix("$") } : nil
    holders = (properties ?? []).filter { if case .never = $0.holder { false } else { true } }
  }

  private static func labels(_ module: AnyModule) -> [String] {
    var levels: [[String]] = []
    var mirror: Mirror? = Mirror(reflecting: module)
    while let level = mirror, level.subjectType != AnyModule.self {
      levels.append(level.children.map { $0.label ?? "" })
      mirror = level.superclassMirror
    }
    return levels.reversed().flatMap { $0 }
  }

  /// The properties that subclasses of `AnyModule` declare, those of base classes first; nil where one cannot be read.
  private static func properties(of type: AnyModule.Type) -> [Property]? {
    let first = fieldCount(AnyModule.self)
    var found: [Property] = []
    for index in first..<max(first, fieldCount(type)) {
      var description = FieldDescription()
      let fieldType = fieldType(type, index: index, &description)
      defer { description.freeName?(description.name) }
      guard let name = description.name, description.isStrong, isCopyable(fieldType) else {
        return nil
      }
      let reader = reader(fieldType)
      found.append(
        Property(
          label: String(cString: name), offset: fieldOffset(type, index: index),
          byteCount: reader.byteCount, reader: reader, holder: holder(fieldType)))
    }
    return found
  }

  private static func reader<T>(_ type: T.Type) -> any PropertyReader.Type {
    (type as? any OptionalProperty.Type)?.reader ?? TypedReader<T>.self
  }

  private static func holder(_ type: Any.Type) -> Holder {
    if let holder = type as? any ModuleHolder.Type { return .modules(holder) }
    if let container = type as? any ElementTyped.Type {
      if case .never = holder(container.elementType) { return .never }
      return .anything
    }
    return switch MetadataKind(type) {
    case .class, .struct, .enum, .function, .tuple, .metatype: .never
    case .other: .anything
    }
  }

  private static func value(_ property: Property, of module: AnyModule) -> Any {
    property.reader.read(start(of: module) + property.offset)
  }

  static func start(of module: AnyModule) -> UnsafeRawPointer {
    UnsafeRawPointer(Unmanaged.passUnretained(module).toOpaque())
  }

  /// What a module was made with but for modules.
  static func arguments(
    of module: AnyModule, _ properties: [Property]
  ) -> [(label: String, value: Any)] {
    var found: [(label: String, value: Any)] = []
    found.reserveCapacity(properties.count)
    for property in properties {
      if case .modules = property.holder { continue }
      let value = value(property, of: module)
      if case .anything = property.holder, holdsModules(value) { continue }
      found.append((property.label, value))
    }
    return found
  }

  private static func holdsModules(_ value: Any) -> Bool {
    mayHoldModules(value)
      && (value is AnyModule || value is [AnyModule] || value is [String: AnyModule])
  }

  /// Casts are slow: nearly all values are structs and no collections.
  private static func mayHoldModules(_ value: Any) -> Bool {
    switch MetadataKind(type(of: value)) {
    case .struct, .enum: type(of: value) is any ElementTyped.Type
    default: true
    }
  }

  /// The modules in properties, each with its name.
  static func collect(
    from module: AnyModule, _ properties: [Property]
  ) -> [(label: String, module: AnyModule)] {
    var found: [(label: String, module: AnyModule)] = []
    let start = start(of: module)
    for property in properties {
      let place = start + property.offset
      switch property.holder {
      case .never: break
      case .modules(let holder): holder.collect(at: place, property.label, into: &found)
      case .anything: collectAny(property.label, property.reader.read(place), into: &found)
      }
    }
    return found
  }

  /// The modules in a value of any type.
  static func collectAny(
    _ label: String, _ value: Any, into found: inout [(label: String, module: AnyModule)]
  ) {
    guard mayHoldModules(value) else { return }
    if let module = value as? AnyModule {
      found.append((label, module))
    } else if let modules = value as? [AnyModule] {
      modules.collect(label, into: &found)
    } else if let modules = value as? [String: AnyModule] {
      modules.collect(label, into: &found)
    }
  }
}

/// The modules that one module held in properties when somebody looked, with the values of those properties.
///
/// The values are kept alive and compared byte by byte: an array or a dictionary that is held twice is changed in other memory,
/// and the address of an object that lives is no other object's. So equal bytes are the same modules.
struct HeldModules {
  let modules: [(label: String, module: AnyModule)]
  private let values: [Any]
  private let bytes: [UInt8]

  init(of module: AnyModule, _ properties: [PropertyTable.Property]) {
    modules = PropertyTable.collect(from: module, properties)
    let start = PropertyTable.start(of: module)
    values = properties.map { $0.reader.read(start + $0.offset) }
    bytes = properties.flatMap {
      UnsafeRawBufferPointer(start: start + $0.offset, count: $0.byteCount)
    }
  }

  /// Whether the properties have the same values still.
  func isCurrent(in module: AnyModule, _ properties: [PropertyTable.Property]) -> Bool {
    let start = PropertyTable.start(of: module)
    var position = 0
    for property in properties {
      let size = property.byteCount
      let now = UnsafeRawBufferPointer(start: start + property.offset, count: size)
      guard bytes[position..<position + size].elementsEqual(now) else { return false }
      position += size
    }
    return true
  }
}

/// Reads a property of a known type.
protocol PropertyReader: Sendable {
  /// The bytes of the property.
  static var byteCount: Int { get }
  static func read(_ place: UnsafeRawPointer) -> Any
}

private enum TypedReader<T>: PropertyReader {
  static var byteCount: Int { MemoryLayout<T>.size }
  static func read(_ place: UnsafeRawPointer) -> Any {
    place.assumingMemoryBound(to: T.self).pointee
  }
}

private enum OptionalReader<T>: PropertyReader {
  static var byteCount: Int { MemoryLayout<T?>.size }
  static func read(_ place: UnsafeRawPointer) -> Any {
    place.assumingMemoryBound(to: T?.self).pointee.map { $0 as Any } ?? NoValue()
  }
}

/// Nil as a value of a property.
struct NoValue: Equatable, CustomStringConvertible {
  var description: String { "nil" }
}

private protocol OptionalProperty {
  static var reader: any PropertyReader.Type { get }
}

extension Optional: OptionalProperty {
  fileprivate static var reader: any PropertyReader.Type { OptionalReader<Wrapped>.self }
}

/// A type of property that holds modules: one, a list, a dictionary by name, or none.
protocol ModuleHolder: SendableMetatype {
  func collect(_ label: String, into found: inout [(label: String, module: AnyModule)])
}

extension ModuleHolder {
  fileprivate static func collect(
    at place: UnsafeRawPointer, _ label: String,
    into found: inout [(label: String, module: AnyModule)]
  ) {
    place.assumingMemoryBound(to: Self.self).pointee.collect(label, into: &found)
  }
}

extension AnyModule: ModuleHolder {
  func collect(_ label: String, into found: inout [(label: String, module: AnyModule)]) {
    found.append((label, self))
  }
}

extension Optional: ModuleHolder where Wrapped: ModuleHolder {
  func collect(_ label: String, into found: inout [(label: String, module: AnyModule)]) {
    self?.collect(label, into: &found)
  }
}

extension Array: ModuleHolder where Element: AnyModule {
  func collect(_ label: String, into found: inout [(label: String, module: AnyModule)]) {
    for (index, module) in enumerated() { found.append(("\(label)/\(index)", module)) }
  }
}

extension Dictionary: ModuleHolder where Key == String, Value: AnyModule {
  func collect(_ label: String, into found: inout [(label: String, module: AnyModule)]) {
    for (key, module) in sorted(by: { $0.key < $1.key }) {
      found.append(("\(label)/\(key)", module))
    }
  }
}

/// What has elements, or an element, of one type.
private protocol ElementTyped {
  static var elementType: Any.Type { get }
}

extension Optional: ElementTyped {
  fileprivate static var elementType: Any.Type { Wrapped.self }
}

extension Array: ElementTyped {
  fileprivate static var elementType: Any.Type { Element.self }
}

extension Dictionary: ElementTyped {
  fileprivate static var elementType: Any.Type { Value.self }
}

// MARK: Swift's run-time library

/// What kind of type there is behind a value of type `Any.Type` (Swift's ABI, `MetadataKind.def`).
enum MetadataKind {
  case `class`, `struct`, `enum`, function, tuple, metatype, other

  init(_ type: Any.Type) {
    let word = unsafeBitCast(type, to: UnsafePointer<UInt>.self).pointee
    self =
      switch word {
      case 0, 0x800...: .class
      case 0x200: .struct
      case 0x201, 0x202: .enum
      case 0x301: .tuple
      case 0x302: .function
      case 0x304, 0x306: .metatype
      default: .other
      }
  }
}

/// Whether values of a type can be copied (Swift's ABI, flags of a value witness table).
private func isCopyable(_ type: Any.Type) -> Bool {
  let metadata = unsafeBitCast(type, to: UnsafePointer<UnsafeRawPointer>.self)
  let witnesses = metadata[-1]
  // Eight functions, size and stride come before the flags.
  let flags = witnesses.load(fromByteOffset: 10 * MemoryLayout<Int>.size, as: UInt32.self)
  return flags & 0x0080_0000 == 0
}

private struct FieldDescription {
  let name: UnsafePointer<CChar>? = nil
  let freeName: (@convention(c) (UnsafePointer<CChar>?) -> Void)? = nil
  let isStrong = false
  let isVariable = false
}

@_silgen_name("swift_reflectionMirror_recursiveCount")
private func fieldCount(_ type: Any.Type) -> Int

@_silgen_name("swift_reflectionMirror_recursiveChildMetadata")
private func fieldType(
  _ type: Any.Type, index: Int, _ description: UnsafeMutablePointer<FieldDescription>
) -> Any.Type

@_silgen_name("swift_reflectionMirror_recursiveChildOffset")
private func fieldOffset(_ type: Any.Type, index: Int) -> Int
