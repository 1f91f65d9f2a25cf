import Foundation

/// Carries a reference in a task-local value, for the thread that set it.
///
/// `@unchecked Sendable`: neither of its properties ever changes. A task that is started while the value is set inherits it,
/// and may run on another thread; there ``value`` is an error, so that only the thread that made this reads what it
/// carries. A thread that has got the number of one that has ended may read it too: the other one does nothing any more.
struct ThreadBound<Value>: @unchecked Sendable {
  private let content: Value
  private let thread = pthread_self()

  init(value: Value) { content = value }

  /// What is carried; nil on another thread, where it is reported as a failed operation.
  var value: Value? {
    if pthread_equal(thread, pthread_self()) != 0 { return content }
    let error = EngineError.hook(
      path: "",
      message:
        "a task or thread started inside a module's call, jit, fit or a gradient computes with "
        + "tensors: what goes on there belongs to the thread that it runs on; compute in the call "
        + "itself, or start the task outside")
    guard let scope = ErrorScope.current else { ProgramEnd.stop(error) }
    scope.record(error)
    return nil
  }
}
