import CKernels
import Foundation
import Synchronization

/// How many threads one rank computes with.
///
/// Every step of a compiled plan is cut into that many parts; OpenBLAS itself runs on one thread, each part calling it for
/// its piece of a product. The default is what this process may use: `OPENBLAS_NUM_THREADS` or `OMP_NUM_THREADS` when
/// set, else all CPUs that the system gives it, of which the ranks of a machine get equal shares.
public enum ComputeThreads {
  /// The number of threads in force.
  public static var count: Int { pool.threads }

  /// The most threads of a rank: each has a stack, and memory of its own in every plan.
  public static let most = 1024

  /// Makes all plans compiled from now on use `count` threads.
  ///
  /// - Parameter count: 1 to ``most``; another number is an error, as ``withErrors(_:)`` describes. More than there are
  ///   CPUs makes everything slower.
  public static func set(_ count: Int) {
    guard (1...most).contains(count) else {
      fail(
        EngineError.invalidArgument(
          message: "ComputeThreads.set: \(count) threads are asked for; there can be 1 to \(most)"))
      return
    }
    state.withLock { state in
      state.isChosen = true
      state.use(count)
    }
  }

  /// Says that this many ranks share the CPUs of this machine.
  package static func share(amongRanks ranks: Int) {
    state.withLock { state in
      state.ranks = max(ranks, 1)
      if !state.isChosen { state.pool = nil }
    }
  }

  /// CPUs for this process: those it may run on, or its share where ranks are not bound to any.
  package static var availableCPUs: Int { state.withLock { $0.availableCPUs } }

  /// The threads in force.
  package static var pool: ThreadPool {
    scoped
      ?? state.withLock { state in
        state.pool ?? state.use(environmentCount ?? state.availableCPUs)
      }
  }

  /// Runs `body` with `count` threads of its own.
  package static func with<R>(_ count: Int, _ body: () throws -> R) rethrows -> R {
    try $scoped.withValue(ThreadPool(threads: count), operation: body)
  }

  @TaskLocal private static var scoped: ThreadPool?
  private static let state = Mutex(State())

  private struct State {
    var pool: ThreadPool?
    var isChosen = false
    var ranks = 1

    var availableCPUs: Int {
      min(Int(apus_cpu_count()), max(1, ProcessInfo.processInfo.processorCount / ranks))
    }

    @discardableResult
    mutating func use(_ count: Int) -> ThreadPool {
      if let pool, pool.threads == count { return pool }
      let fresh = ThreadPool(threads: count)
      pool = fresh
      return fresh
    }
  }

  private static var environmentCount: Int? {
    ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"].lazy
      .compactMap { ProcessInfo.processInfo.environment[$0].flatMap { Int($0) } }
      .first { $0 > 0 }
      .map { min($0, most) }
  }
}
