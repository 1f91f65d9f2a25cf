/// Makes a value of any `Decodable` type of a ``Structure``.
///
/// - A dictionary gives its values by name; what the type does not ask for is ignored.
/// - A list gives its values to a struct by position, in the order in which the type asks, and
///   must have exactly as many as the type takes; absent optional fields at the end are fine. One
///   tensor is a list of one for a struct, and at the root a list of one tensor is a tensor.
/// - A number can be read from a constant or from a tensor with one element, a tensor also from a
///   number or boolean.
/// - `Structure` takes any part as it is.
public struct StructureDecoder: Sendable {
  private let asker: String?
  private let name: String

  /// A decoder whose messages say who asks and what for.
  ///
  /// - Parameters:
  ///   - asker: who wants the value, such as `module mlp`; the type when nil.
  ///   - name: what the structure is called, such as `x`.
  public init(asker: String? = nil, name: String = "the value") {
    self.asker = asker
    self.name = name
  }

  /// The value of type `T` that `structure` holds.
  ///
  /// - Throws: `EngineError.structure` that says what was asked for, where, and what is there.
  public func decode<T: Decodable>(
    _ type: T.Type = T.self, from structure: Structure
  ) throws(EngineError) -> T {
    // A tuple of one is passed to a function of one argument.
    if case .list(let values) = structure, values.count == 1, type == Tensor.self {
      return try decode(type, from: values[0])
    }
    return try DecodingSession(asker: asker, name: name).decode(type, from: structure)
  }
}

/// What all places of one decoded tree share: whom and what to name in messages, and injection.
package struct DecodingSession {
  var asker: String?
  var name = ""
  /// Other names of the root's values.
  var aliases: [String: String] = [:]
  /// What to say about a name that the root does not have.
  var missing: ((String) -> EngineError)?

  package init(
    asker: String?, name: String = "", aliases: [String: String] = [:],
    missing: ((String) -> EngineError)? = nil
  ) {
    self.asker = asker
    self.name = name
    self.aliases = aliases
    self.missing = missing
  }

  package func decode<T: Decodable>(
    _ type: T.Type, from structure: Structure
  ) throws(EngineError) -> T {
    let node = DecodingNode(structure, path: [], type: type, session: self)
    do {
      return try node.value(type)
    } catch let error as EngineError {
      throw error
    } catch let error as DecodingError {
      throw self.error("\(Self.message(of: error))")
    } catch {
      throw self.error("\(T.self) cannot be made of \(structure.summary): \(error)")
    }
  }

  /// The error with the asker's name before `message`.
  func error(_ message: ErrorText) -> EngineError {
    EngineError(missing == nil ? .structure : .injection, operation: asker ?? "", .text(message))
  }

  /// The words for a place.
  func place(_ path: [any CodingKey]) -> String {
    let path = PathKey.path(path).pathDescription
    if name.isEmpty || path.isEmpty { return path.isEmpty ? name : path }
    return "\(name)/\(path)"
  }

  /// The words of an error that a type's own `init(from:)` threw.
  private static func message(of error: DecodingError) -> String {
    let context: DecodingError.Context
    switch error {
    case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found),
      .dataCorrupted(let found):
      context = found
    @unknown default: return String(describing: error)
    }
    let path = PathKey.path(context.codingPath).pathDescription
    return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
  }
}
