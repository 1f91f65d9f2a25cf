import Tensors

/// Numbers, booleans and strings in properties of modules and metrics, as they were when a step began to be compiled.
///
/// Swift code in `call`, `update` and `result` runs once for a compiled step: a property that counts there counts once.
package struct PropertyWatch {
  private let before: [(owner: AnyModule, label: String, value: String)]

  package init(_ modules: [AnyModule]) { before = modules.flatMap(Self.values) }

  /// `Owner.property` for each that has another value now.
  package var changed: [String] {
    let now = before.isEmpty ? [] : Self.distinct(before.map(\.owner)).flatMap(Self.values)
    return before.compactMap { old in
      let new = now.first(where: { $0.owner === old.owner && $0.label == old.label })
      return new.map { $0.value != old.value } == true
        ? "\(old.owner.typeName).\(old.label)" : nil
    }
  }

  private static func distinct(_ modules: [AnyModule]) -> [AnyModule] {
    modules.indices.filter { index in
      !modules[..<index].contains { $0 === modules[index] }
    }.map { modules[$0] }
  }

  /// What the classes above ``AnyModule`` declare.
  private static func values(
    _ module: AnyModule
  ) -> [(owner: AnyModule, label: String, value: String)] {
    var values: [(owner: AnyModule, label: String, value: String)] = []
    var mirror: Mirror? = Mirror(reflecting: module)
    while let level = mirror, level.subjectType != AnyModule.self {
      for case (let label?, let value) in level.children where isPlain(value) {
        values.append((module, label, "\(value)"))
      }
      mirror = level.superclassMirror
    }
    return values
  }

  private static func isPlain(_ value: Any) -> Bool {
    switch value {
    case is Int, is Double, is Float, is Bool, is String, is [Int], is [Double], is [Float],
      is [String]:
      true
    default: false
    }
  }
}
