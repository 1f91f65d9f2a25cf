/// What hooks note while a module is called.
package struct HookNotes {
  /// What `addLoss` gave, in order.
  package var losses: [(name: String, value: Tensor)] = []
  /// What `addMetric` gave, in order.
  package var metrics: [(name: String, value: Tensor)] = []
  /// What `addSummary` gave, in order.
  package var summaries: [(name: String, value: Tensor)] = []
  /// What `setMask` announced last: which steps `[batch, time]` of the output count; nil for all.
  package var outputMask: Tensor?
  /// Variables whose penalty is among the losses.
  package var regularized: Set<ObjectIdentifier> = []
  /// Logs that this call has written: the first value takes the place of that of the last call, later ones add up.
  package var logged: Set<ObjectIdentifier> = []
  /// How many random keys the call has drawn.
  package var keyCount = 0
  /// What is added to the number of a key in a loop, whose body is called once: int64, another number at each step.
  package var keyOffset: Tensor?

  package init() {}
}

/// Keeps the notes of a call of an outermost module. Transforms that run a function in another form hold them back and give
/// them again.
package protocol NotesHooks: AnyObject {
  var notes: HookNotes { get set }
}

/// Who keeps notes of the outermost call that is going on.
package enum CurrentNotes {
  @TaskLocal private static var bound: ThreadBound<any NotesHooks>?

  /// Nil outside of all calls.
  package static var keeper: (any NotesHooks)? { bound?.value }

  /// Runs `body`, of which `keeper` keeps notes.
  package static func with<R>(_ keeper: any NotesHooks, _ body: () throws -> R) rethrows -> R {
    try $bound.withValue(ThreadBound(value: keeper), operation: body)
  }
}
