import Engine
import Foundation

/// mpirun, and this process beside it: passes on what ranks write in whole lines, and leaves out mpirun's pages about
/// ranks that failed.
final class RunningJob {
  private let words: [String]
  private let channels: RankChannels?
  private var output: LineMerger
  private var errors: LineMerger
  private var messages: MPIRunMessages
  private var outcome = JobOutcome()
  private let start = ContinuousClock.now

  /// A job that has not begun.
  ///
  /// - Parameters:
  ///   - command: mpirun's command line.
  ///   - program: the program in it, and its arguments.
  ///   - ranks: how many there are.
  ///   - isLocal: whether all ranks are on this machine; what others write comes through mpirun.
  ///   - isVerbose: whether mpirun's pages are shown.
  init(
    _ command: MPIRunCommand, program: [String], ranks: Int, isLocal: Bool, isVerbose: Bool
  ) {
    channels = isLocal ? RankChannels(ranks: ranks) : nil
    let own = ProgramStart.ownPath()
    let connect = channels.map { [own, RankStart.connect, $0.folder] } ?? []
    words =
      [own, RankStart.endWithParent] + command.arguments.dropLast(program.count) + connect + program
    output = LineMerger(sources: ranks)
    errors = LineMerger(sources: ranks)
    messages = MPIRunMessages(isVerbose: isVerbose)
  }

  /// Runs the job, and ends this process as it ended.
  ///
  /// - Throws: ``LauncherError/cannotStart(program:reason:)``.
  func run() throws -> Never {
    fflush(nil)
    let (process, pipe) = try startMPIRun()
    Signals.forward(to: process)
    var status: Int32 = 0
    while waitpid(process, &status, WNOHANG) == 0 { pass(pipe, milliseconds: 20) }
    while pass(pipe, milliseconds: 0) {}
    write(output.takeAll(), to: STDOUT_FILENO)
    write(errors.takeAll(), to: STDERR_FILENO)
    write(Array(messages.finish().utf8), to: STDERR_FILENO)
    if status != 0,
      let summary = outcome.summary(
        messages.ends, seconds: seconds, place: { self.channels?.place(of: $0) })
    {
      Console.note(summary)
    }
    channels?.remove()
    let signal = status & 0x7f
    exit(signal == 0 ? (status >> 8) & 0xff : 128 + signal)
  }

  /// Passes on what there is, after waiting for it.
  ///
  /// - Returns: whether there was something.
  @discardableResult
  private func pass(_ pipe: Int32, milliseconds: Int32) -> Bool {
    let list = channels?.channels ?? []
    var polled = ([pipe] + list.map(\.descriptor)).map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    poll(&polled, nfds_t(polled.count), milliseconds)
    var isSomething = false
    withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
      let count = read(pipe, buffer.baseAddress, buffer.count)
      if count > 0 {
        isSomething = true
        write(Array(messages.pass(buffer[..<count]).utf8), to: STDERR_FILENO)
      }
      for channel in list {
        guard let count = channels?.read(channel, into: buffer) else { continue }
        isSomething = true
        if channel.isError {
          outcome.add(errors: buffer[..<count], of: channel.rank)
          errors.add(buffer[..<count], from: channel.rank, at: seconds)
        } else {
          outcome.add(output: buffer[..<count], of: channel.rank)
          output.add(buffer[..<count], from: channel.rank, at: seconds)
        }
      }
    }
    write(output.take(at: seconds), to: STDOUT_FILENO)
    write(errors.take(at: seconds), to: STDERR_FILENO)
    return isSomething
  }

  private var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

  private func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        Thread.sleep(forTimeInterval: 0.001)
      } else if errno != EINTR {
        return
      }
    }
  }

  /// Starts mpirun with its errors in a pipe.
  private func startMPIRun() throws -> (process: pid_t, pipe: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw failure(errno) }
    _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
    posix_spawn_file_actions_addclose(&actions, ends[1])
    var process: pid_t = 0
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }.sorted()
    let code = posix_spawn(
      &process, words[0], &actions, nil, ProgramStart.arguments(words),
      ProgramStart.arguments(environment))
    close(ends[1])
    guard code == 0 else { throw failure(code) }
    return (process, ends[0])
  }

  private func failure(_ code: Int32) -> LauncherError {
    .cannotStart(program: "mpirun", reason: systemReason(code))
  }
}

/// Signals that end a job: mpirun ends its ranks, and then this process ends.
private enum Signals {
  /// `nonisolated(unsafe)`: written once, on the main thread, before the handlers that read it are installed.
  nonisolated(unsafe) private static var process: pid_t = 0

  static func forward(to process: pid_t) {
    Self.process = process
    for number in [SIGTERM, SIGHUP] { signal(number) { kill(Signals.process, $0) } }
    // A key press reaches mpirun without help, and a second one would make it leave ranks behind.
    signal(SIGINT) { if isatty(STDIN_FILENO) == 0 { kill(Signals.process, $0) } }
    // What nobody reads is thrown away.
    signal(SIGPIPE, SIG_IGN)
  }
}
