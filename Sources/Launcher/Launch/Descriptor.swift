import Foundation

/// Reading and writing open files.
enum Descriptor {
  /// A pipe that programs do not inherit, whose end to read from never waits; nil when the system has none left.
  static func pipe() -> (read: Int32, write: Int32)? {
    var ends: [Int32] = [0, 0]
    guard Foundation.pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    return (ends[0], ends[1])
  }

  /// What is there to read, at most `limit` bytes at a time; empty when there is nothing now, nil at the end.
  static func read(_ descriptor: Int32, limit: Int = 1 << 16) -> [UInt8]? {
    var isAtEnd = false
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      let result = Foundation.read(descriptor, buffer.baseAddress, limit)
      count = max(result, 0)
      // A terminal whose other end has been closed gives EIO.
      isAtEnd = result == 0 || result < 0 && errno != EAGAIN && errno != EINTR
    }
    return isAtEnd ? nil : bytes
  }

  /// Writes everything, and waits where it must.
  ///
  /// - Returns: false when nobody reads any more.
  @discardableResult
  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&wait, 1, 1000)
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }

  /// Waits until one of `descriptors` has something, one of `full` has room, or for `seconds`. Negative descriptors count as none.
  static func wait(_ descriptors: [Int32], full: [Int32] = [], seconds: Double) {
    var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    polled += full.map { pollfd(fd: $0, events: Int16(POLLOUT), revents: 0) }
    poll(&polled, nfds_t(polled.count), Int32((max(0, seconds) * 1000).rounded(.up)))
  }
}
