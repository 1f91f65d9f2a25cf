/// A value that a type asks for by name.
public struct Requirement: Hashable, Sendable {
  /// The name: that of a field, or of its coding key.
  public let name: String
  /// Whether the type goes on without it.
  public let isOptional: Bool

  /// A value that is asked for by `name`; an optional one may be absent.
  public init(name: String, isOptional: Bool) {
    self.name = name
    self.isOptional = isOptional
  }
}

/// What a type's `init(from:)` asks for by name, in order, found out without any data.
///
/// Types that ask for no names (a tensor, an array, a dictionary) give none. When a hand-written
/// `init(from:)` refuses the stand-in values that it gets, the list ends there: see
/// ``RecordingDecoder``.
package func requirements<T: Decodable>(of type: T.Type) -> [Requirement] {
  RecordingDecoder.record(type).requirements
}

/// Knows what it asks for better than its type does: a function with key paths.
package protocol AsksByKeyPath {
  var askedRequirements: [Requirement] { get }
}

/// Checks that everything asked for exists.
///
/// - Parameters:
///   - requirements: what is asked for.
///   - allowed: all names that can be asked for.
///   - asker: who asks, for messages: `loss mean_squared_error`.
/// - Throws: `EngineError.injection` on the first unknown name, also of an optional value: it could
///   never be given.
package func validate(
  _ requirements: [Requirement], allowed: [String], asker: String
) throws(EngineError) {
  for requirement in requirements where !allowed.contains(requirement.name) {
    throw .injection(message: unknownName(requirement.name, allowed: allowed, asker: asker))
  }
}

/// The words for a name that does not exist.
package func unknownName(_ name: String, allowed: [String], asker: String) -> ErrorText {
  let suggestion = suggestion(for: name, among: allowed)
  let names = allowed.joined(separator: ", ")
  return "\(asker) asks for \"\(name)\", which is not one of \(names)\(suggestion)"
}
