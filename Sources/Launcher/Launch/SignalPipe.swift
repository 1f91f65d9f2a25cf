import Foundation

/// Signals to this process as bytes to read, so that one loop waits for them and for everything else.
enum SignalPipe {
  /// `nonisolated(unsafe)`: written once, on the main thread, before the handlers that read it are installed.
  nonisolated(unsafe) private static var end: Int32 = -1

  /// From now on each of `signals` is a byte, its number; SIGHUP only where it is not ignored.
  ///
  /// - Returns: where to read; negative when the system has no pipe left.
  static func open(_ signals: [Int32]) -> Int32 {
    guard let ends = Descriptor.pipe() else { return -1 }
    _ = fcntl(ends.write, F_SETFL, O_NONBLOCK)
    end = ends.write
    for number in signals {
      var action = sigaction()
      // `nohup` has SIGHUP ignored: so it stays.
      let isIgnored =
        sigaction(number, nil, &action) == 0
        && unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
          == unsafeBitCast(SIG_IGN, to: Int.self)
      if number != SIGHUP || !isIgnored { signal(number) { SignalPipe.note($0) } }
    }
    // What nobody reads is thrown away.
    signal(SIGPIPE, SIG_IGN)
    return ends.read
  }

  private static func note(_ number: Int32) {
    let code = errno
    var byte = UInt8(truncatingIfNeeded: number)
    write(end, &byte, 1)
    errno = code
  }
}
