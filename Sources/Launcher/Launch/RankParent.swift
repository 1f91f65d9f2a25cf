import CKernels
import Dist
import Engine
import Foundation

/// The process beside a rank, its parent: tells the launcher how the rank is and how it ended, and ends it when mpirun has gone.
///
/// Of a rank that failed it stays until the launcher has ended the job, so that mpirun does not begin to end ranks by itself.
/// Both are in one process group, which gets all signals of mpirun.
final class RankParent {
  /// The variable with the secret of the run.
  static let secretVariable = "APUS_RUN_SECRET"
  /// The variable that, set to `stream`, makes ranks of this machine report as others do.
  static let outputVariable = "APUS_RANK_OUTPUT"

  /// The variable that says that there is one rank, which no other launcher has started.
  static let aloneVariable = "APUS_RANK_ALONE"

  /// The exit code of a rank that has saved its state on a notice: EX_TEMPFAIL.
  static let savedCode: Int32 = 75

  /// Seconds between beats of a rank on another machine.
  static let interval = 1.0
  /// Seconds for which the launcher is waited for after the rank has failed.
  private static let patience = 120.0

  private let rank: Int
  private let secret: String
  /// Where frames go.
  private let events: Int32
  /// Whether all that the rank writes goes there too.
  private let isStream: Bool
  private let folder: String
  private let statePath: String
  private let launched = getppid()
  /// Whether no restart can follow.
  private let isLast: Bool
  private let signals: Int32
  private var process: RankProcess
  private var output: Int32 = -1
  private var errors: Int32 = -1
  /// States in memory, where the launcher does not look after them.
  private let memory: StateMemory.Use?
  /// What the rank writes, to be passed on in frames.
  private var streams: [(end: Int32, kind: RankFrame.Kind)] = []

  /// - Parameter folder: that of the launcher's channels.
  init(folder: String) {
    let variables = ProcessInfo.processInfo.environment
    self.folder = folder
    rank = variables[Self.aloneVariable] != nil ? 0 : Launch.rank(in: variables) ?? 0
    unsetenv(Self.aloneVariable)
    secret = variables[Self.secretVariable] ?? ""
    unsetenv(Self.secretVariable)
    isLast = variables[RestartVariables.isLast] == "1"
    unsetenv(RestartVariables.isLast)
    signals = SignalPipe.open([
      SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP, SIGCONT,
    ])
    // mpirun may have put this rank on another machine, where the same names are other things.
    let isHere = variables[Self.outputVariable] != "stream" && RankChannels.areHere(folder)
    let pipe = isHere ? open(RankChannels.eventPath(folder), O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1
    isStream = pipe < 0
    if isStream {
      events = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
      statePath =
        FileManager.default.temporaryDirectory
        .appendingPathComponent("apus-state-\(getpid())").path
    } else {
      events = pipe
      _ = fcntl(pipe, F_SETFL, 0)
      statePath = RankChannels.statePath(folder, rank: "\(rank)")
    }
    process = RankProcess(
      host: Self.host, isHere: !isStream, program: 0, parent: getpid(), group: getpgrp(),
      leftovers: OpenMPILeftovers(variables))
    setenv(RankState.variable, statePath, 1)
    memory = isStream ? variables[StateMemory.variable].flatMap(StateMemory.Use.init) : nil
    guard !isStream else { return }
    output = Self.channel(RankChannels.outputPath(folder, rank: "\(rank)"))
    errors = Self.channel(RankChannels.errorPath(folder, rank: "\(rank)"))
  }

  /// The name of this machine, without its domain.
  static var host: String {
    String(ProcessInfo.processInfo.hostName.prefix { $0 != "." })
  }

  /// Runs the program, and ends as it ended.
  func run(_ words: [String]) -> Never {
    // Not left behind by an mpirun that dies before it has ended its ranks.
    apus_set_death_signal(SIGTERM)
    if isStream { openStreams() }
    let child = apus_start_child(
      words[0], ProgramStart.arguments(words), [-1, output, errors], 0, SIGKILL)
    guard child > 0 else {
      // The streams of the rank may go elsewhere.
      let text = "cannot start \(words[0]): \(systemReason(-child))\n"
      Descriptor.write(Array("apus: \(text)".utf8), to: errors >= 0 ? errors : STDERR_FILENO)
      end(status: 127 << 8)
    }
    for end in [output, errors] where end >= 0 { close(end) }
    process.program = child
    tell(.started(process))
    watch(child)
  }

  /// A terminal and a pipe for the rank, whose ends to read from stay here.
  private func openStreams() {
    guard let terminal = PseudoTerminal(), let pipe = Descriptor.pipe() else { return }
    (output, errors) = (terminal.programEnd, pipe.write)
    streams = [(terminal.readEnd, .output), (pipe.read, .errors)]
  }

  /// Waits for the end of `child`, and passes on what it writes.
  private func watch(_ child: Int32) -> Never {
    var nextBeat = 0.0
    while true {
      let now = Double(DispatchTime.now().uptimeNanoseconds) / 1e9
      if isStream, now >= nextBeat {
        if DaemonConnection.isCutOff(of: launched) { endWithDaemon() }
        tell(.beat(look()))
        nextBeat = now + Self.interval
      }
      Descriptor.wait(
        [signals] + streams.map(\.end), seconds: isStream ? max(0, nextBeat - now) : 3600)
      passStreams()
      for number in Descriptor.read(signals) ?? [] where number == UInt8(SIGTERM) {
        endIfOrphaned()
        // mpirun ends the job, and may not leave time for more.
        if isLast { memory?.remove() }
      }
      var status: Int32 = 0
      if waitpid(child, &status, WNOHANG) == child { end(status: status) }
    }
  }

  private func look() -> RankBeat { RankBeat.look(state: statePath, process) }

  /// Passes on what is there, a part of it when there is much.
  private func passStreams(most: Int = 16) {
    var ended: [Int32] = []
    for (end, kind) in streams {
      for _ in 0..<most {
        guard let bytes = Descriptor.read(end) else {
          ended.append(end)
          break
        }
        if bytes.isEmpty { break }
        send(RankFrame.encode(bytes, kind: kind, rank: rank, secret: secret))
      }
    }
    streams.removeAll { ended.contains($0.end) }
  }

  /// A parent that has gone leaves nobody to end the rank: its whole group ends here.
  private func endIfOrphaned() {
    guard getppid() != launched else { return }
    tidy()
    kill(0, SIGKILL)
  }

  /// mpirun cannot be reached, and its daemon on this machine waits for it for a quarter of an hour: both end here, and with the daemon the
  /// ranks beside this one.
  private func endWithDaemon() {
    kill(launched, SIGKILL)
    tidy()
    kill(0, SIGKILL)
  }

  /// Takes away what nobody else can when launcher and mpirun have been killed.
  private func tidy() {
    if isStream {
      unlink(statePath)
      if isLast { memory?.remove() }
    }
    process.leftovers?.remove()
    // A pipe that nobody reads cannot be opened without waiting.
    let pipe = open(RankChannels.eventPath(folder), O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    guard !isStream, pipe < 0, errno == ENXIO else { return }
    StateMemory.remove(ProcessInfo.processInfo.environment[StateMemory.variable])
    try? FileManager.default.removeItem(atPath: folder)
  }

  private func tell(_ message: RankMessage) {
    send(RankFrame.encode(message, rank: rank, secret: secret))
  }

  /// Frames of 512 bytes are written whole or not at all.
  private func send(_ frames: [UInt8]) {
    for start in stride(from: 0, to: frames.count, by: RankFrame.length) {
      let frame = Array(frames[start..<min(start + RankFrame.length, frames.count)])
      if !Descriptor.write(frame, to: events) { return endIfOrphaned() }
    }
  }

  private func end(status: Int32) -> Never {
    passStreams(most: 4096)
    tell(.ended(status: status, look()))
    let code = ExitStatus(status).code
    if isStream { forget(code) }
    if code == 0 { exit(0) }
    let limit = Date(timeIntervalSinceNow: Self.patience)
    while Date() < limit {
      Descriptor.wait([signals], seconds: 1)
      if Descriptor.read(signals)?.contains(UInt8(SIGTERM)) == true { break }
      if getppid() != launched { break }
    }
    exit(code)
  }

  /// Takes away what the launcher cannot, on another machine. What is in memory is kept for a restart.
  private func forget(_ code: Int32) {
    unlink(statePath)
    if code == 0 || code == RankParent.savedCode {
      memory?.end()
    } else if isLast {
      memory?.remove()
    }
  }

  private static func channel(_ path: String) -> Int32 {
    // O_NONBLOCK: opening a pipe that nobody reads any more would wait for ever.
    let channel = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    if channel >= 0 { _ = fcntl(channel, F_SETFL, 0) }
    return channel
  }
}
