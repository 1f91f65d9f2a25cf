// How errors are made.

extension EngineError {
  /// Shapes that an operation cannot work on.
  public static func shape(operation: String, message: ErrorText) -> EngineError {
    EngineError(.shape, operation: operation, .text(message))
  }

  /// Scalar types that an operation cannot work on.
  public static func dtype(operation: String, message: ErrorText) -> EngineError {
    EngineError(.dtype, operation: operation, .text(message))
  }

  /// An index outside the bounds of an axis.
  public static func index(operation: String, message: ErrorText) -> EngineError {
    EngineError(.index, operation: operation, .text(message))
  }

  /// An argument out of its range.
  public static func invalidArgument(message: ErrorText) -> EngineError {
    EngineError(.invalidArgument, .text(message))
  }

  /// A file that is missing, damaged or of another format.
  public static func file(path: String, message: ErrorText) -> EngineError {
    EngineError(.file, file: FilePosition(path), .text(message))
  }

  /// A problem at a place in a file.
  public static func file(
    _ position: FilePosition, _ problem: Problem, hint: ErrorText? = nil
  ) -> EngineError {
    EngineError(.file, file: position, problem, hint: hint)
  }

  /// Data that does not fit the model or itself.
  public static func data(message: ErrorText) -> EngineError { EngineError(.data, .text(message)) }

  /// A loss, metric or module that asks for a name that does not exist or has no value.
  public static func injection(message: ErrorText) -> EngineError {
    EngineError(.injection, .text(message))
  }

  /// A structure of tensors that does not have the form that was asked for.
  public static func structure(message: ErrorText) -> EngineError {
    EngineError(.structure, .text(message))
  }

  /// A hook of the module at `path` used in another order, number, type or shape than before.
  public static func hook(
    path: String, message: ErrorText, hint: ErrorText? = nil
  ) -> EngineError {
    let operation = path.isEmpty ? "" : Place.module(path).description
    return EngineError(.hook, operation: operation, .text(message), hint: hint)
  }

  /// A model that cannot do what was asked (no loss, no optimizer, unknown weights, ...).
  public static func model(message: ErrorText) -> EngineError {
    EngineError(.model, .text(message))
  }

  /// Ranks that do not agree, or a collective that failed.
  public static func distribution(message: ErrorText) -> EngineError {
    EngineError(.distribution, .text(message))
  }

  /// A training step in which a loss or gradient is infinite or NaN.
  public static func notFinite(_ step: NonFiniteStep) -> EngineError {
    EngineError(
      .notFinite, .notFinite(step),
      hint: "model.nonFinite = .skipStep leaves such steps out, .ignore goes on")
  }

  /// An argument that must be something else: `dropout: rate must be in 0...1, got 1.5`.
  public static func argument(
    _ name: ErrorText, of operation: String, must rule: ErrorText, found: ErrorText
  ) -> EngineError {
    EngineError(
      .invalidArgument, operation: operation, .requirement(of: name, must: rule, found: found))
  }

  /// A scalar type that an operation does not work on.
  public static func unsupported(_ dtype: DType, by operation: String) -> EngineError {
    EngineError(.dtype, operation: operation, .unsupported(dtype))
  }

  /// Inputs of several scalar types where they must have one.
  public static func mixed(_ types: [DType], in operation: String) -> EngineError {
    EngineError(.dtype, operation: operation, .mixed(types))
  }

  /// The same error, having happened in a module or metric.
  package func at(_ place: Place) -> EngineError {
    var located = self
    located.places.insert(place, at: 0)
    return located
  }
}
