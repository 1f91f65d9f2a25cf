import Foundation

/// Bytes for a stream of this process that somebody else reads, perhaps slowly: the launcher never waits for that, so that it can end a job
/// whose output nobody takes.
struct OutputQueue {
  /// Where the bytes go.
  let descriptor: Int32
  private var bytes: [UInt8] = []
  private var isClosed = false

  /// Bytes that wait at most before no more are taken from ranks.
  private static let most = 1 << 20
  /// What a pipe that has room takes without waiting (PIPE_BUF).
  private static let piece = 4096

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  var isEmpty: Bool { bytes.isEmpty }
  /// Whether ranks must wait before they write more.
  var isFull: Bool { bytes.count >= Self.most }

  /// Takes bytes, and writes what it can.
  mutating func add(_ more: [UInt8]) {
    if !isClosed { bytes += more }
    flush()
  }

  /// Writes what it can after waiting for that.
  mutating func flush(seconds: Double = 0) {
    var written = 0
    while written < bytes.count {
      var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&wait, 1, written == 0 ? Int32(seconds * 1000) : 0) > 0 else { break }
      let end = min(written + Self.piece, bytes.count)
      let count = bytes[written..<end].withUnsafeBytes {
        write(descriptor, $0.baseAddress, $0.count)
      }
      if count > 0 {
        written += count
      } else if errno == EAGAIN || errno == EINTR {
        break
      } else {
        // Nobody reads any more: what comes is thrown away.
        (isClosed, written) = (true, bytes.count)
      }
    }
    bytes.removeFirst(written)
  }
}
