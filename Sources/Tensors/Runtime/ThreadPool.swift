import CKernels

/// The threads that a plan runs on: the caller and some workers, which spin for a while and then sleep.
///
/// Work is cut into parts beforehand, and each part runs on the same thread every time, so that what a core has in its
/// caches stays useful; only a part whose thread has not begun in time is done by the caller. Who does a part makes no
/// difference to results.
///
/// `@unchecked Sendable`: `threads` and `pool` never change, and `pool` is freed with the last reference. Its task, context and
/// workers are touched by the one thread that has set its flag `busy` (`test_and_set` to `clear`, acquire and release); a
/// thread that finds it set does its parts itself. Workers see the task through their atomic `command`, and what they
/// have written is seen by the caller through their atomic `done`.
package final class ThreadPool: @unchecked Sendable {
  /// Threads in all, the caller included.
  package let threads: Int
  private let pool: OpaquePointer

  /// - Parameters:
  ///   - threads: how many there are, the caller included.
  ///   - isTied: whether each worker keeps to a CPU of its own where there are just enough.
  package init(threads: Int, isTied: Bool = true) {
    pool = apus_pool_create(Int32(clamping: threads - 1), isTied ? 1 : 0)
    self.threads = Int(apus_pool_workers(pool)) + 1
  }

  deinit { apus_pool_destroy(pool) }

  /// Work that is cut into parts, at a fixed address.
  package final class Task {
    let body: (_ part: Int) -> Void

    package init(_ body: @escaping (_ part: Int) -> Void) { self.body = body }
  }

  /// Runs parts `0..<parts` and returns when all are done. Allocates nothing.
  package func run(_ task: Task, parts: Int) {
    apus_pool_run(pool, Self.trampoline, Unmanaged.passUnretained(task).toOpaque(), parts)
  }

  /// Runs the task's part 1 on the first worker, beside the caller, until ``wait()``.
  ///
  /// While the pool is in use, by a run or an earlier start that has not been waited for, the part is done at once by the
  /// caller. The task must live, and the same thread must call ``wait()``, before it is looked at again.
  package func start(_ task: Task) {
    apus_pool_start(pool, Self.trampoline, Unmanaged.passUnretained(task).toOpaque())
  }

  /// Waits for what ``start(_:)`` started; returns at once when there is nothing.
  package func wait() { apus_pool_wait(pool) }

  private static let trampoline: apus_task = { context, part in
    guard let context else { return }
    Unmanaged<Task>.fromOpaque(context).takeUnretainedValue().body(part)
  }
}
