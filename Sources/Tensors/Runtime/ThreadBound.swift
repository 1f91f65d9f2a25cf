/// Carries a reference in a task-local value.
///
/// `@unchecked Sendable`: Engine starts no tasks, so a task-local value is read only by the thread that set it; nothing
/// is shared.
struct ThreadBound<Value>: @unchecked Sendable {
  let value: Value
}
