import Foundation

/// Waiting for what other processes do to files.
enum Polling {
  /// Calls `isDone` until it is true, in pauses of 1 to 50 ms.
  ///
  /// - Returns: false when that took longer than `limit`.
  static func wait<E: Error>(
    _ limit: Duration, _ isDone: () throws(E) -> Bool
  ) throws(E) -> Bool {
    let end = ContinuousClock.now + limit
    var pause: UInt32 = 1_000
    while true {
      if try isDone() { return true }
      if ContinuousClock.now >= end { return false }
      usleep(pause)
      pause = min(pause * 2, 50_000)
    }
  }
}
