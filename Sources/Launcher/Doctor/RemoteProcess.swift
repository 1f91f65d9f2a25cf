import Engine
import Foundation

/// A process that is spoken to line by line. It ends with this object. One thread at a time uses it.
final class RemoteProcess: @unchecked Sendable {
  /// No answer, and what is known of why.
  struct Failure: Error {
    var message: String
  }

  private let process: pid_t
  private let input: Int32
  private let output: Int32
  private let errors: Int32
  private var pending: [UInt8] = []
  private var errorText: [UInt8] = []

  /// Starts `words`.
  ///
  /// - Throws: ``Failure``.
  init(_ words: [String]) throws {
    var (toChild, fromChild, errorsOfChild): ([Int32], [Int32], [Int32]) = (
      [0, 0], [0, 0], [0, 0]
    )
    guard let path = ProgramStart.path(of: words[0]) else {
      throw Failure(message: "\(words[0]) is not in PATH")
    }
    guard pipe(&toChild) == 0, pipe(&fromChild) == 0, pipe(&errorsOfChild) == 0 else {
      throw Failure(message: "no pipe: \(systemReason(errno))")
    }
    for end in toChild + fromChild + errorsOfChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, toChild[0], STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errorsOfChild[1], STDERR_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    // A group of its own, so that all of it can be ended.
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    var process: pid_t = 0
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    let code = posix_spawn(
      &process, path, &actions, &attributes, ProgramStart.arguments(words),
      ProgramStart.arguments(environment))
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
    for end in [toChild[0], fromChild[1], errorsOfChild[1]] { close(end) }
    (input, output, errors) = (toChild[1], fromChild[0], errorsOfChild[0])
    for end in [output, errors] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    self.process = process
    guard code == 0 else { throw Failure(message: "\(words[0]): \(systemReason(code))") }
  }

  deinit {
    for end in [input, output, errors] { close(end) }
    guard process > 0 else { return }
    // With its input at an end it ends by itself.
    for _ in 0..<50 where waitpid(process, nil, WNOHANG) == 0 { usleep(10_000) }
    kill(-process, SIGKILL)
    waitpid(process, nil, WNOHANG)
  }

  /// Sends a line.
  func send(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
      // Who does not read any more does not answer either.
      if count < 0 && errno != EINTR { return }
      sent += max(count, 0)
    }
  }

  /// The next line that begins with `{`: remote shells greet people.
  ///
  /// - Throws: ``Failure`` when the process ends, or `seconds` have passed.
  func receive(seconds: Double) throws -> String {
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      while let index = pending.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: pending[..<index], as: UTF8.self)
        pending.removeFirst(index + 1)
        if line.hasPrefix("{") { return line }
      }
      let left = (end - ContinuousClock.now) / .seconds(1)
      guard left > 0 else {
        throw Failure(
          message: "no answer within \(Int(seconds)) s" + (said.map { ": " + $0 } ?? ""))
      }
      var polled = [output, errors].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      poll(&polled, nfds_t(polled.count), Int32(min(left, 60) * 1000) + 1)
      let isOpen = take(output, into: &pending)
      _ = take(errors, into: &errorText)
      if !isOpen, !pending.contains(UInt8(ascii: "\n")) { throw Failure(message: ending()) }
    }
  }

  /// Asks, and decodes the answer.
  func ask(_ request: NodeRequest, seconds: Double) throws -> NodeAnswer {
    send(try JSONText.encode(request))
    return try JSONText.decodeLastLine(try receive(seconds: seconds), as: NodeAnswer.self)
  }

  /// Takes what there is.
  ///
  /// - Returns: whether more may come.
  private func take(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count > 0 {
        bytes += buffer[..<count]
      } else {
        return count < 0 && (errno == EAGAIN || errno == EINTR)
      }
    }
  }

  /// The last line of standard error.
  private var said: String? {
    String(decoding: errorText, as: UTF8.self).split(whereSeparator: \.isNewline).last.map(
      String.init)
  }

  /// How the process ended, which has closed its output.
  private func ending() -> String {
    var status: Int32 = 0
    for _ in 0..<100 where waitpid(process, &status, WNOHANG) == 0 { usleep(10_000) }
    _ = take(errors, into: &errorText)
    let code = status & 0x7f == 0 ? "exit code \((status >> 8) & 0xff)" : "signal \(status & 0x7f)"
    return (said.map { $0 + " " } ?? "") + "(\(code))"
  }
}
