import CKernels
import COpenBLAS
import Foundation
import Synchronization

/// How many threads one rank computes with.
///
/// Every step of a compiled plan is cut into that many parts; OpenBLAS itself runs on one thread, each part calling it for
/// its piece of a product. The default is what this process may use: `OPENBLAS_NUM_THREADS` or `OMP_NUM_THREADS` when
/// set, else all CPUs that the system gives it (under MPI its share of them).
public enum ComputeThreads {
  /// The number of threads in force.
  public static var count: Int { pool.threads }

  /// Makes all plans compiled from now on use `count` threads.
  ///
  /// - Parameter count: 1 or more. More than there are cores makes everything slower.
  public static func set(_ count: Int) {
    precondition(count > 0, "ComputeThreads.set: the count must be at least 1, it is \(count)")
    state.withLock { state in
      if state?.threads != count { state = ThreadPool(threads: count) }
    }
    openblas_set_num_threads(1)
  }

  /// Like ``set(_:)``, unless the user has chosen: with the environment or with an earlier call.
  package static func setDefault(_ count: Int) {
    let isChosen = environmentCount != nil || state.withLock { $0 != nil }
    if !isChosen { set(max(count, 1)) }
  }

  /// CPUs that this process may run on.
  package static var availableCPUs: Int { Int(apus_cpu_count()) }

  /// The threads in force.
  package static var pool: ThreadPool {
    if let known = state.withLock({ $0 }) { return known }
    set(environmentCount ?? availableCPUs)
    return Self.pool
  }

  private static let state = Mutex<ThreadPool?>(nil)

  private static var environmentCount: Int? {
    ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"].lazy
      .compactMap { ProcessInfo.processInfo.environment[$0].flatMap { Int($0) } }
      .first { $0 > 0 }
  }
}
