import Foundation

extension JobAttempt {
  /// Goes on to the next phase when it is time to.
  func decide() {
    let time = now
    switch phase {
    case .running:
      if hasFailed { return endAfterFailure() }
      if records.contains(where: { $0.end?.exitCode == RestartPolicy.savedCode }) {
        return phase = .saving(until: time + supervision.grace)
      }
      if hasStarterEnded { return end(killAt: time) }
      if let cause = judge() {
        verdict = cause
        end(killAt: time)
      }
    case .saving(let limit):
      if hasFailed { return endAfterFailure() }
      if hasStarterEnded || areAllEnded { return end(killAt: time) }
      if time >= limit { end(killAt: time + Self.patience) }
    case .ending(let killAt, let isKilled):
      if !isKilled, time >= killAt || areAllEnded { return killRanks() }
      guard isKilled else { return }
      if time > killAt + 3 * Self.starterPatience {
        endStarter(by: SIGKILL)
        records.forEach { $0.process?.signal(SIGKILL) }
      } else if time > killAt + Self.starterPatience, !isStarterTold {
        isStarterTold = true
        endStarter(by: SIGTERM)
      }
    }
  }

  /// Seconds that mpirun gets to begin to end ranks on other machines, and itself. It takes two or three to do so.
  private static let starterPatience = 1.0
  /// Seconds that mpirun gets to say why it ends before the job counts as ended.
  private static let lastWords = 0.3

  /// A program of Apus can do nothing without its other ranks; any other may want to tidy up.
  private func endAfterFailure() {
    let isApus = records.contains { $0.hasJoined }
    end(killAt: isApus ? now : now + Self.patience)
  }

  private var hasFailed: Bool {
    records.contains { record in
      record.end.map { $0.code != 0 && $0.exitCode != RestartPolicy.savedCode } ?? false
    }
  }

  var areAllEnded: Bool { records.allSatisfy { $0.end != nil } }

  /// Whether nothing of the job runs any more but mpirun, which tidies up.
  var isOver: Bool {
    guard case .ending(let killAt, let isKilled) = phase, isKilled else {
      return hasStarterEnded && areAllEnded
    }
    if records.contains(where: { $0.process?.isAlive == true }) { return false }
    return hasStarterEnded || !needsStarter && now > killAt + Self.lastWords
  }

  // MARK: - What happened

  /// How the attempt ended.
  var report: JobReport {
    let cause = cause
    var attempt = RestartPolicy.Attempt()
    attempt.cause = cause
    attempt.isComplete =
      areAllEnded ? records.allSatisfy { $0.end?.code == 0 } : starterEnd?.code == 0
    attempt.hasStarted = records.contains { $0.process != nil }
    attempt.isSaved =
      cause == nil && records.contains { $0.end?.exitCode == RestartPolicy.savedCode }
    attempt.signal = interrupt.signal
    attempt.isApus =
      command.program.first == ProgramStart.ownPath() || records.contains { $0.hasJoined }
    attempt.steps = records.map(\.beat.sighting.steps).max() ?? 0
    attempt.furthest =
      records.map {
        RestartPolicy.Progress(
          epoch: $0.beat.sighting.lastStep[0], step: $0.beat.sighting.lastStep[1])
      }.max() ?? .init()
    attempt.seconds = now
    var lost = said.lostHosts
    if case .lost(let host) = cause { lost.append(host) }
    // A machine knows itself by one name, and the command line may call it by another, or its address.
    if let hosts = command.hosts {
      lost = lost.flatMap { host in
        hosts.names(of: host, ranks: records.map(\.process?.host))
      }
    }
    return JobReport(
      attempt: attempt, text: cause.map(text), summary: cause.flatMap(summary), lostHosts: lost)
  }

  private var cause: RootCause? {
    if let verdict { return verdict }
    let isAsked = interrupt.signal != nil && endedByUs < .infinity
    let isStarterToBlame = !isAsked && !areAllEnded
    return CauseSearch(
      records: records, endedByUs: endedByUs, aborter: said.aborter, starterSaid: said.ends,
      lostHosts: said.lostHosts, starterName: command.starterName,
      starterEnd: isStarterToBlame ? starterEnd : nil
    ).cause
  }

  /// What happened and where, for the line about a restart.
  private func text(_ cause: RootCause) -> String {
    let isOneHost = Set(records.compactMap { $0.process?.host }).count < 2
    let host: (Int) -> String? = { isOneHost ? nil : self.records[$0].process?.host }
    return cause.text(host: host) + place(cause)
  }

  private func place(_ cause: RootCause) -> String {
    guard let rank = cause.rank, records.indices.contains(rank) else { return "" }
    return records[rank].beat.sighting.place.map { " \($0)" } ?? ""
  }

  /// What is said when the job is not started again; nil when ranks or mpirun have said it.
  private func summary(_ cause: RootCause) -> String? {
    let host: (Int) -> String? = { self.records[$0].process?.host ?? RankParent.host }
    var text = cause.text(host: host)
    switch cause {
    case .ended(let rank, let end) where end.signal == nil:
      if records.contains(where: \.hasWrittenErrors) {
        guard records[rank].hasOwnError else { return nil }
        text = "rank \(rank)" + (host(rank).map { " on \($0)" } ?? "") + " failed first"
      }
    case .launcherEnded(_, let end) where end.signal == nil: return nil
    default: break
    }
    text += place(cause) + " after \(String(format: "%.1f", now)) s"
    let last = cause.rank.map { records[$0].lastLine.text } ?? ""
    return last.isEmpty ? text : text + "; its last line of output: \(last)"
  }
}

/// How an attempt ended, for the policy and for people.
struct JobReport {
  var attempt: RestartPolicy.Attempt
  /// What happened, and where in the training.
  var text: String?
  /// The same with all that is known, where nobody has said it.
  var summary: String?
  /// Machines that cannot be reached any more.
  var lostHosts: [String]
}
