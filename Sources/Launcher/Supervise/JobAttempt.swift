import Dist
import Foundation

/// One attempt to run a job: mpirun or srun, a process beside each rank, and this process, which passes on what ranks write, watches them and
/// ends them all when one has failed.
final class JobAttempt {
  let command: JobCommand
  let supervision: Supervision
  let number: Int
  let secret: String
  private let channels: RankChannels?
  private var starter: JobStarter
  private var input: TerminalInput
  private var frames: RankFrameReader
  private var events: RankFrameReader
  private var output: RankOutput
  private var messages: MPIRunMessages
  var records: [RankRecord]
  private let start = ContinuousClock.now
  private let signals: Int32
  private let rule: StuckRule
  private var nextLook = 0.0
  var phase = Phase.running
  /// Whether mpirun or srun, which did not end by itself, was told to.
  var isStarterTold = false
  /// The cause that a rule has found.
  var verdict: RootCause?
  /// When ranks were told to end: ends after that say nothing.
  private(set) var endedByUs = Double.infinity
  private(set) var interrupt = Interrupt()

  /// What goes on.
  enum Phase: Equatable {
    case running
    /// Ranks save their state, or have done so; at the time the others are ended too.
    case saving(until: Double)
    /// Ranks have been told to end; at the time they are killed, if they have not been yet.
    case ending(killAt: Double, isKilled: Bool)
  }

  /// Starts the job.
  ///
  /// - Parameters:
  ///   - command: what to run.
  ///   - supervision: how to look after it.
  ///   - number: of the attempt, from 0.
  ///   - secret: of the run.
  ///   - signals: where signals of this process can be read.
  ///   - isVerbose: whether mpirun's pages about failed ranks are shown.
  /// - Throws: ``LauncherError/cannotStart(program:reason:)``.
  init(
    _ command: JobCommand, _ supervision: Supervision, number: Int, secret: String,
    signals: Int32, isVerbose: Bool
  ) throws {
    (self.command, self.supervision, self.number) = (command, supervision, number)
    (self.secret, self.signals) = (secret, signals)
    channels = RankChannels(ranks: command.ranks)
    (frames, events) = (RankFrameReader(secret: secret), RankFrameReader(secret: secret))
    let logs = supervision.logFolder.map { RankLogs(folder: $0, attempt: number) }
    output = RankOutput(ranks: command.ranks, isTagged: supervision.isTagged, logs: logs)
    messages = MPIRunMessages(isVerbose: isVerbose)
    records = Array(repeating: RankRecord(), count: command.ranks)
    rule = StuckRule(limit: supervision.stuckLimit)
    input = TerminalInput()
    // What ranks of this machine get to tidy up is given here; mpirun's own second would be waited for in vain.
    if command.isLocal { setenv("OMPI_MCA_odls_base_sigkill_timeout", "0", 0) }
    let words = command.line(
      folder: channels?.folder ?? "-",
      exporting: [
        RankParent.secretVariable, RestartVariables.count, RestartVariables.isLast,
        StateMemory.variable,
      ])
    // Ranks and daemons of mpirun end when it has gone, which is sure also where it has been stopped; srun ends its ranks itself.
    let deathSignal = command.starter == .mpirun ? SIGKILL : SIGTERM
    starter = try JobStarter(words, input: input.jobEnd, deathSignal: deathSignal)
    input.hasStarted()
  }

  /// Seconds since the attempt began.
  var now: Double { (ContinuousClock.now - start) / .seconds(1) }

  /// Runs the job to its end.
  ///
  /// - Returns: how it ended, and mpirun where it still tidies up.
  func run() -> (report: JobReport, starter: JobStarter) {
    while !isOver {
      wait()
      receiveSignals()
      receive()
      output.pass(at: now)
      _ = starter.hasEnded()
      if now >= nextLook { look() }
      decide()
    }
    // Also what the programs of ranks have started.
    if verdict != nil || endedByUs < .infinity { records.forEach { $0.process?.signal(SIGKILL) } }
    // What ranks and mpirun wrote last.
    // What somebody still writes who has left the job must not keep it.
    for _ in 0..<Self.most where !receive() { break }
    look()
    input.finish()
    output.add(frames.finish() + Array(messages.finish().utf8), isError: true)
    output.finish {
      (Descriptor.read(signals, limit: 64) ?? []).contains { $0 != UInt8(SIGCHLD) }
    }
    channels?.remove()
    starter.leftovers = records.lazy.compactMap(\.process).first { $0.isHere }?.leftovers
    return (report, starter)
  }

  /// How often what is left is read, 64 KiB of each rank at a time.
  private static let most = 256

  // MARK: - Hearing

  private func wait() {
    var descriptors = [signals, input.descriptor]
    if !output.isFull {
      descriptors += [starter.output, starter.errors]
      descriptors += channels.map { [$0.events] + $0.channels.map(\.descriptor) } ?? []
    }
    let isSoon = output.isWaiting || phase != .running
    Descriptor.wait(
      descriptors, full: output.blocked, seconds: isSoon ? 0.02 : min(max(nextLook - now, 0), 0.5))
  }

  /// Takes what there is.
  ///
  /// - Returns: whether there was something.
  @discardableResult
  private func receive() -> Bool {
    input.pass()
    if output.isFull { return false }
    var isSomething = false
    let time = now
    for channel in channels?.channels ?? [] {
      guard let bytes = Descriptor.read(channel.descriptor), !bytes.isEmpty else { continue }
      isSomething = true
      take(bytes, rank: channel.rank, isError: channel.isError, at: time)
    }
    // After what the rank wrote: it says that the rank has ended.
    if let channels, let bytes = Descriptor.read(channels.events), !bytes.isEmpty {
      isSomething = true
      events.add(bytes).forEach { take($0, at: time) }
    }
    let (text, errors) = (starter.read(isError: false), starter.read(isError: true))
    isSomething = isSomething || !text.isEmpty || !errors.isEmpty
    output.add(text, isError: false)
    frames.add(errors).forEach { take($0, at: time) }
    return isSomething
  }

  private func take(_ item: RankFrameReader.Item, at time: Double) {
    switch item {
    case .output(let rank, let bytes): take(bytes, rank: rank, isError: false, at: time)
    case .errors(let rank, let bytes): take(bytes, rank: rank, isError: true, at: time)
    case .other(let line):
      output.add(Array(messages.pass(line).utf8), isError: true)
    case .message(let rank, let message) where records.indices.contains(rank):
      switch message {
      case .started(let process): records[rank].process = process
      case .beat(let beat): records[rank].note(beat, at: time)
      case .ended(let status, let beat):
        records[rank].note(beat, at: time)
        records[rank].note(end: ExitStatus(status), at: time)
      }
    case .message: break
    }
  }

  private func take(_ bytes: [UInt8], rank: Int, isError: Bool, at time: Double) {
    guard records.indices.contains(rank) else { return }
    if isError {
      let text = String(decoding: bytes.prefix(256), as: UTF8.self)
      records[rank].hasWrittenErrors = true
      if RankReport.isOwnError(text, of: rank) { records[rank].hasOwnError = true }
    } else {
      records[rank].lastLine.add(bytes)
    }
    let host = records[rank].process?.host ?? RankParent.host
    output.add(bytes, rank: rank, isError: isError, host: host, at: time)
  }

  /// Looks at the ranks of this machine.
  private func look() {
    let time = now
    nextLook = time + 0.5
    guard let channels else { return }
    for (rank, record) in records.enumerated() where record.end == nil {
      guard let process = record.process, process.isHere else { continue }
      let state = RankChannels.statePath(channels.folder, rank: "\(rank)")
      records[rank].note(.look(state: state, process), at: time)
    }
  }

  private func receiveSignals() {
    for number in Descriptor.read(signals, limit: 64) ?? [] { hear(Int32(number)) }
  }

  /// Takes a signal to this process.
  private func hear(_ number: Int32) {
    guard number != SIGCHLD else { return }
    if interrupt.isAgain(number) { return end(killAt: now) }
    guard interrupt.signal == nil else { return }
    interrupt.signal = number
    guard case .running = phase else { return }
    if give(notice: number) {
      phase = .saving(until: now + supervision.grace)
    } else {
      end(killAt: now + Self.patience)
    }
  }

  // MARK: - Ending

  /// Seconds between SIGTERM and SIGKILL, as mpirun has them.
  static let patience = 1.0
  /// Seconds that mpirun gets to see that a rank has ended before others do. It takes a millisecond.
  private static let noticeTime = 0.1

  /// Tells ranks to save their state, if they can.
  private func give(notice number: Int32) -> Bool {
    look()
    let running = records.filter(\.isRunning)
    guard records.first?.beat.sighting.handlesNotice == true else { return false }
    Console.note(
      "signal \(number) (\(ExitStatus.name(ofSignal: number))): ranks save their state and end, within "
        + "\(supervision.grace.formatted()) s")
    if running.allSatisfy({ $0.process?.isHere == true }) {
      for record in running where record.beat.sighting.process > 1 {
        kill(record.beat.sighting.process, SIGUSR1)
      }
    } else {
      starter.signal(SIGUSR1)
    }
    return true
  }

  /// Ends the ranks: at once, or after a while in which they can tidy up.
  func end(killAt: Double) {
    if case .ending(_, let isKilled) = phase, isKilled { return }
    let time = now
    if !hasStarterEnded { endedByUs = min(endedByUs, time) }
    messages.isEnding = true
    if killAt > time {
      for record in records where record.end == nil {
        record.process?.signal(SIGTERM)
        record.process?.signal(SIGCONT)
      }
      if needsStarter { starter.signal(SIGTERM) }
      phase = .ending(killAt: killAt, isKilled: false)
    } else {
      killRanks()
    }
  }

  func killRanks() {
    // Beside a rank that has ended a process waits, which ends with its code. mpirun hears of that first, and says the truth: of others that
    // are killed it would say so, and kill these before they have ended.
    let ended = records.filter { $0.end != nil }.compactMap(\.process).filter(\.isHere)
    for process in ended { kill(process.parent, SIGTERM) }
    let limit = ContinuousClock.now + .seconds(Self.noticeTime)
    while ended.contains(where: \.isKnown), !hasStarterEnded, ContinuousClock.now < limit {
      usleep(500)
    }
    for record in records where record.end == nil { record.process?.signal(SIGKILL) }
    // Of a rank of this machine that has been killed mpirun hears by itself, and ends the others.
    if needsStarter, !records.contains(where: { $0.process?.isHere == true }) {
      starter.signal(SIGTERM)
    }
    if ProcessTable.state(of: starter.process) == "T" { starter.signal(SIGCONT) }
    phase = .ending(killAt: now, isKilled: true)
  }

  /// Whether there are ranks that this process cannot end by itself.
  var needsStarter: Bool {
    command.starter != .none && records.contains { $0.process?.isHere != true }
  }

  var hasStarterEnded: Bool { starter.end != nil }

  /// Ends mpirun or srun, which has not done so in time.
  func endStarter(by signal: Int32) { starter.signal(signal) }

  var starterEnd: ExitStatus? { starter.end }
  var said: MPIRunMessages { messages }

  /// The cause that a rule finds now.
  func judge() -> RootCause? { rule.cause(records, at: now) }
}
