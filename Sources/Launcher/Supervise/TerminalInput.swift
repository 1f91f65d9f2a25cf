import Foundation

/// What people type, handed on to the job through a pipe.
///
/// mpirun is in a process group of its own, so that a press of Ctrl-C reaches the launcher alone; the system lets only the group in front
/// read a terminal. What is no terminal mpirun reads by itself.
struct TerminalInput {
  /// What becomes the job's standard input; negative for the launcher's own.
  let jobEnd: Int32
  private var end: Int32
  private var pending: [UInt8] = []

  init() {
    guard isatty(STDIN_FILENO) == 1, let ends = Descriptor.pipe() else {
      (jobEnd, end) = (-1, -1)
      return
    }
    // The job waits for input; the launcher never waits to hand it on.
    _ = fcntl(ends.read, F_SETFL, 0)
    _ = fcntl(ends.write, F_SETFL, O_NONBLOCK)
    (jobEnd, end) = (ends.read, ends.write)
  }

  /// Closes this process's copy of what the job has got.
  func hasStarted() { if jobEnd >= 0 { close(jobEnd) } }

  /// What to wait for; negative when nothing can be handed on.
  var descriptor: Int32 {
    end >= 0 && pending.isEmpty && tcgetpgrp(STDIN_FILENO) == getpgrp() ? STDIN_FILENO : -1
  }

  /// Hands on what there is.
  mutating func pass() {
    if pending.isEmpty, descriptor >= 0 {
      var wait = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      guard poll(&wait, 1, 0) > 0 else { return }
      guard let bytes = Descriptor.read(STDIN_FILENO, limit: 4096) else { return finish() }
      pending = bytes
    }
    while end >= 0, !pending.isEmpty {
      let count = pending.withUnsafeBytes { write(end, $0.baseAddress, $0.count) }
      if count > 0 {
        pending.removeFirst(count)
      } else if errno == EPIPE {
        return finish()
      } else {
        return
      }
    }
  }

  /// Nothing more comes.
  mutating func finish() {
    if end >= 0 { close(end) }
    (end, pending) = (-1, [])
  }
}
