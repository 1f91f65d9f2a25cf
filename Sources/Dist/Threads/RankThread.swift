import CDispatch
import Foundation

/// A thread that can be joined: when ``join()`` returns, the thread has ended and let go of all that
/// it held. Foundation's `Thread` keeps its block for a moment after the block's last line, too long
/// for a closure that may not escape.
struct RankThread {
  /// Bytes of stack: twice what a main thread has, since deep models recurse.
  private static let stackBytes = 16 << 20

  private let id: pthread_t

  /// Starts `work` on a new thread.
  ///
  /// - Throws: ``DistError/noThread(code:)`` when the system gives no thread.
  init(_ work: @escaping @Sendable () -> Void) throws(DistError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, Self.stackBytes)
    var id = pthread_t()
    let job = Unmanaged.passRetained(Job(work))
    let code = pthread_create(
      &id, &attributes,
      { raw in
        if let raw { Unmanaged<Job>.fromOpaque(raw).takeRetainedValue().work() }
        return nil
      }, job.toOpaque())
    if code != 0 {
      job.release()
      throw .noThread(code: code)
    }
    self.id = id
  }

  /// Waits until the thread has ended.
  func join() {
    pthread_join(id, nil)
  }

  private final class Job: Sendable {
    let work: @Sendable () -> Void

    init(_ work: @escaping @Sendable () -> Void) {
      self.work = work
    }
  }
}
