import Synchronization

/// Keeps the first failure of the operations inside it, so that a line of tensor code needs no `try`.
///
/// `fit`, `jit`, `valueAndGrad` and ``withErrors(_:)`` open one and throw what it kept when they end.
package final class ErrorScope: Sendable {
  @TaskLocal package static var current: ErrorScope?

  private let first = Mutex<(any Error)?>(nil)

  package var error: (any Error)? { first.withLock { $0 } }

  func record(_ error: any Error) {
    first.withLock { if $0 == nil { $0 = error } }
  }
}

/// Runs `body` and throws the first error of any operation on tensors inside it.
///
/// Outside such a scope a wrong shape ends the program with the same message on one line and exit code 1.
///
/// - Throws: the first ``EngineError`` of an operation, or what `body` itself throws.
public func withErrors<R>(_ body: () throws -> R) throws -> R {
  let scope = ErrorScope()
  let result: Result<R, any Error> = ErrorScope.$current.withValue(scope) {
    Result { try body() }
  }
  // What an operation recorded came first: an error thrown later is usually its consequence.
  if let error = scope.error { throw error }
  return try result.get()
}

/// Runs `body` as outside any ``withErrors(_:)``: a failed operation ends the program, and with it all ranks.
package func endingOnErrors<R>(_ body: () throws -> R) rethrows -> R {
  try ErrorScope.$current.withValue(nil, operation: body)
}

/// Whether failed operations are kept for a ``withErrors(_:)`` around this code.
package var keepsErrors: Bool { ErrorScope.current != nil }

/// Reports a failed operation: kept by the enclosing ``withErrors(_:)``, fatal outside one.
///
/// - Returns: a placeholder on which every further operation gives the placeholder again.
@discardableResult
package func fail(_ error: any Error) -> Tensor {
  var located = error
  if let error = error as? EngineError, error.places.isEmpty, let path = CurrentCall.place?.path,
    !path.isEmpty
  {
    located = error.at(.module(path))
  }
  guard let scope = ErrorScope.current else { ProgramEnd.stop(located) }
  scope.record(located)
  return .invalid
}

/// Throws what operations since the beginning of the innermost ``withErrors(_:)`` have reported, if anything.
package func throwReportedError() throws {
  if let error = ErrorScope.current?.error { throw error }
}
