/// Everything that Engine throws: what was asked, what was found, where, and what to do.
public enum EngineError: Error, Equatable, Sendable {
  /// Shapes that an operation cannot work on.
  case shape(operation: String, message: String)
  /// Scalar types that an operation cannot work on.
  case dtype(operation: String, message: String)
  /// An index outside the bounds of an axis.
  case index(operation: String, message: String)
  /// An argument out of its range.
  case invalidArgument(message: String)
  /// A file that is missing, damaged or of another format.
  case file(path: String, message: String)
  /// Data that does not fit the model or itself.
  case data(message: String)
  /// A loss, metric or module that asks for a name that does not exist or has no value.
  case injection(message: String)
  /// A structure of tensors that does not have the form that was asked for.
  case structure(message: String)
  /// A hook used in another order, number, type or shape than before.
  case hook(path: String, message: String)
  /// A model that cannot do what was asked (no loss, no optimizer, unknown weights, ...).
  case model(message: String)
  /// Ranks that do not agree, or a collective that failed.
  case distribution(message: String)
  /// An error inside a module's `call`, with the module's path, or in `metric name`.
  indirect case located(module: String, error: EngineError)
}

extension EngineError: CustomStringConvertible {
  /// One line of text for a person.
  public var description: String {
    switch self {
    case .shape(let operation, let message), .dtype(let operation, let message),
      .index(let operation, let message):
      return "\(operation): \(message)"
    case .invalidArgument(let message), .data(let message), .injection(let message),
      .structure(let message), .model(let message), .distribution(let message):
      return message
    case .file(let path, let message): return "\(path): \(message)"
    case .hook(let path, let message): return path.isEmpty ? message : "module \(path): \(message)"
    case .located(let module, let error):
      // An error that names the module itself says it once.
      if case .hook(path: module, _) = error { return "in \(error)" }
      return "in \(module.hasPrefix("metric ") ? "" : "module ")\(module): \(error)"
    }
  }

  /// The error itself, without the module path around it.
  public var root: EngineError {
    if case .located(_, let error) = self { return error.root }
    return self
  }
}
