/// A call of a module that is going on: what errors of operations say of it.
///
/// Modules keep much more of a call; floors below know no more of it than this.
package protocol CallPlace: AnyObject {
  /// The path of the module whose `call` runs.
  var path: String { get }
}

/// The innermost call that is going on.
package enum CurrentCall {
  @TaskLocal private static var bound: ThreadBound<any CallPlace>?

  /// Nil outside of all calls.
  package static var place: (any CallPlace)? { bound?.value }

  /// Runs `body` in `place`; nil for as if no module were being called.
  package static func with<R>(_ place: (any CallPlace)?, _ body: () throws -> R) rethrows -> R {
    try $bound.withValue(place.map { ThreadBound(value: $0) }, operation: body)
  }
}
