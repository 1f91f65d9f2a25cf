/// What the kernels of a plan share: scratch memory, since they run one after the other, and threads.
public final class Workspace {
  /// Fewer elements than this of elementwise work are not worth a second thread.
  public static let elementGrain = 16384

  /// The threads that kernels may use.
  package let pool: ThreadPool
  private var storage: Storage?
  private var required = 0
  /// The bytes of each part of ``storage``: less than ``required`` while another plan is being prepared.
  private var partBytes = 0

  package init(pool: ThreadPool = ComputeThreads.pool) { self.pool = pool }

  /// How many parts a kernel can run at the same time.
  public var threads: Int { pool.threads }

  /// Makes sure that ``base`` will have room for `bytes` in every part. To be called while preparing a kernel.
  public func require(bytes: Int) { required = max(required, Storage.aligned(bytes)) }

  /// The first byte, aligned to a cache line. Valid while a kernel runs; contents do not outlive it.
  public var base: UnsafeMutableRawPointer { base(part: 0) }

  /// The first byte of the scratch memory of one part: no two parts share any.
  public func base(part: Int) -> UnsafeMutableRawPointer {
    guard let storage else { fatalError("no kernel has asked for scratch memory") }
    return storage.pointer + part * partBytes
  }

  /// Takes the memory: after the last kernel has been prepared, before the first one runs.
  package func reserve() {
    guard required > partBytes else { return }
    storage = Storage(byteCount: required * threads)
    partBytes = required
  }

  /// Bytes of scratch memory that the kernels asked for, over all threads.
  package var byteCount: Int { required * threads }

  /// A kernel that works on `0..<count` in parts, one a thread.
  ///
  /// Parts are the same at every run. Work on a part must not depend on other parts.
  ///
  /// - Parameters:
  ///   - count: how many items there are: rows, images, elements.
  ///   - grain: a part has at least this many, so that little work stays on one thread.
  ///   - multiple: parts begin at multiples of this.
  ///   - body: works on some items; `part` tells which scratch memory is its own (see ``base(part:)``).
  /// - Returns: the kernel, which ends when all parts have.
  public func parallel(
    _ count: Int, grain: Int = 1, multiple: Int = 1,
    _ body: @escaping (_ items: Range<Int>, _ part: Int) -> Void
  ) -> Kernel {
    let ranges = Self.parts(count, threads: threads, grain: grain, multiple: multiple)
    if ranges.isEmpty { return {} }
    if ranges.count == 1 { return { body(0..<count, 0) } }
    let task = ThreadPool.Task { part in body(ranges[part], part) }
    let pool = pool
    return { pool.run(task, parts: ranges.count) }
  }

  /// Cuts `0..<count` into at most `threads` parts of nearly equal length.
  package static func parts(
    _ count: Int, threads: Int, grain: Int = 1, multiple: Int = 1
  ) -> [Range<Int>] {
    guard count > 0 else { return [] }
    let units = (count + multiple - 1) / multiple
    let parts = max(1, min(threads, count / max(grain, 1), units))
    return (0..<parts).map { part in
      let lower = units * part / parts * multiple
      let upper = min(count, units * (part + 1) / parts * multiple)
      return lower..<upper
    }
  }
}
