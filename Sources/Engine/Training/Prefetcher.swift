import Tensors

/// Copies the next batch to where the plan will read it while the plan runs on the present one.
///
/// Used where a CPU is free for it and the data come from memory; elsewhere a step copies its own batch first. Measured on
/// shuffled rows of 180 MB, it takes 2 % off a step of 4.5 ms, and 22 % off one of 47 microseconds. Data that lie in a cache are there
/// sooner than what another core has copied: 1.6 MB in 16 batches make a step of 36 microseconds one of 44.
package final class Prefetcher {
  /// Smaller data sets are not copied ahead, in bytes.
  private let leastBytes: Int
  private let pool: ThreadPool
  private let load: Load
  private let task: ThreadPool.Task
  private var isLoading = false
  /// Who ran a step last. What a sequence has had copied is lost when another one, started by a callback, uses the memory.
  var user: ObjectIdentifier?

  /// What is being loaded; read by the loading thread between start and wait only.
  private final class Load {
    var dataset: Dataset?
    var plan: Plan?
    var buffer = 0
    var rows = UnsafeBufferPointer<Int64>(start: nil, count: 0)
  }

  /// One for this process; nil when all its CPUs compute.
  static func whereUseful() -> Prefetcher? {
    ComputeThreads.availableCPUs > ComputeThreads.count ? Prefetcher(leastBytes: 32 << 20) : nil
  }

  package init(leastBytes: Int = 0) {
    self.leastBytes = leastBytes
    pool = ThreadPool(threads: 2, isTied: false)
    let load = Load()
    self.load = load
    task = ThreadPool.Task { _ in
      guard let plan = load.plan else { return }
      load.dataset?.fill({ plan.inputPointer($0, buffer: load.buffer) }, rows: load.rows)
    }
  }

  /// Whether the rows of a data set are worth copying ahead.
  func isWorthwhile(_ dataset: Dataset) -> Bool { dataset.byteCount >= leastBytes }

  /// Starts to copy the samples `rows`, which must stay where they are until ``wait()``.
  func start(_ dataset: Dataset, _ plan: Plan, buffer: Int, rows: UnsafeBufferPointer<Int64>) {
    load.dataset = dataset
    load.plan = plan
    load.buffer = buffer
    load.rows = rows
    isLoading = true
    pool.start(task)
  }

  /// Waits until the batch is there.
  func wait() {
    guard isLoading else { return }
    pool.wait()
    isLoading = false
    // Data sets are large: nothing is kept alive from here.
    load.dataset = nil
    load.plan = nil
  }

  deinit { wait() }
}
