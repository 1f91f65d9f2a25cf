import COpenBLAS

/// How many threads one rank computes with.
///
/// Matrix products (and convolutions, which are made of them) run on OpenBLAS's own pool of threads.
/// Its default is every core of the machine, which is too many as soon as several ranks share them:
/// their threads then wait for each other's cores.
public enum ComputeThreads {
  /// The number of threads in force.
  public static var count: Int { Int(openblas_get_num_threads()) }

  /// Makes all later products of this process use `count` threads.
  ///
  /// - Parameter count: 1 or more; OpenBLAS takes no more than it was built for (64 in Debian).
  public static func set(_ count: Int) {
    precondition(count > 0, "ComputeThreads.set: the count must be at least 1, it is \(count)")
    openblas_set_num_threads(Int32(clamping: count))
  }
}
