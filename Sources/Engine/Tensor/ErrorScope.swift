import Synchronization

/// Keeps the first failure of the operations inside it, so that a line of tensor code needs no `try`.
///
/// `fit`, `jit`, `valueAndGrad` and ``withErrors(_:)`` open one and throw what it kept when they end.
final class ErrorScope: Sendable {
  @TaskLocal static var current: ErrorScope?

  private let first = Mutex<(any Error)?>(nil)

  var error: (any Error)? { first.withLock { $0 } }

  func record(_ error: any Error) {
    first.withLock { if $0 == nil { $0 = error } }
  }
}

/// Runs `body` and throws the first error of any operation on tensors inside it.
///
/// Outside such a scope a wrong shape stops the program with the same message.
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

/// Reports a failed operation: kept by the enclosing ``withErrors(_:)``, fatal outside one.
///
/// - Returns: a placeholder on which every further operation gives the placeholder again.
@discardableResult
package func fail(_ error: any Error) -> Tensor {
  var located = error
  if let engineError = error as? EngineError, let path = CallFrame.currentPath, !path.isEmpty {
    if case .located = engineError {
    } else {
      located = EngineError.located(module: path, error: engineError)
    }
  }
  guard let scope = ErrorScope.current else { fatalError("\(located)") }
  scope.record(located)
  return .invalid
}
