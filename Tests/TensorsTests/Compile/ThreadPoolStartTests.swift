import Foundation
import Synchronization
import Tensors
import Testing

/// Work beside the caller.
@Suite("Starting work on a thread pool") struct ThreadPoolStartTests {
  private final class Counter: Sendable {
    let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .sequentiallyConsistent) }
  }

  private func task(_ counter: Counter) -> ThreadPool.Task {
    ThreadPool.Task { _ in counter.value.add(1, ordering: .sequentiallyConsistent) }
  }

  @Test("Two starts do both, once each", arguments: [1, 2, 3])
  func twice(threads: Int) {
    let pool = ThreadPool(threads: threads, isTied: false)
    let (first, second) = (Counter(), Counter())
    let (a, b) = (task(first), task(second))
    for round in 1...500 {
      pool.start(a)
      pool.start(b)
      pool.wait()
      pool.wait()
      guard first.count == round, second.count == round else {
        Issue.record("round \(round): \(first.count) and \(second.count)")
        return
      }
    }
    pool.wait()
  }

  @Test("A run meanwhile does all its parts, and so does what was started")
  func runMeanwhile() {
    let pool = ThreadPool(threads: 3, isTied: false)
    let (started, parts) = (Counter(), Counter())
    let (a, b) = (task(started), task(parts))
    for round in 1...500 {
      pool.start(a)
      pool.run(b, parts: 3)
      pool.wait()
      guard started.count == round, parts.count == 3 * round else {
        Issue.record("round \(round): \(started.count) and \(parts.count)")
        return
      }
    }
  }

  @Test("Starts beside the runs of another thread") func startMeanwhile() {
    let pool = ThreadPool(threads: 2, isTied: false)
    let (started, parts) = (Counter(), Counter())
    let running = Thread {
      let b = ThreadPool.Task { _ in parts.value.add(1, ordering: .sequentiallyConsistent) }
      for _ in 0..<2000 { pool.run(b, parts: 2) }
      started.value.add(1_000_000, ordering: .sequentiallyConsistent)
    }
    running.start()
    let a = task(started)
    for _ in 0..<2000 {
      pool.start(a)
      pool.wait()
    }
    while started.count < 1_000_000 { Thread.sleep(forTimeInterval: 1e-3) }
    #expect(started.count == 1_002_000)
    #expect(parts.count == 4000)
  }

  @Test("A pool that is let go first does what was started") func letGo() {
    let counter = Counter()
    let a = task(counter)
    for _ in 0..<50 { ThreadPool(threads: 2, isTied: false).start(a) }
    #expect(counter.count == 50)
  }

  #if os(Linux)
    @Test("Without memory for it, a pool says so") func outOfMemory() async {
      let result = await #expect(
        processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]
      ) {
        var limit = rlimit(rlim_cur: 8 << 30, rlim_max: 8 << 30)
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        _ = ThreadPool(threads: 500_000_000)
      }
      let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(text.contains("apus: out of memory: no "))
      #expect(text.contains(" bytes for the thread pool of 500000000 threads"))
    }
  #endif
}
