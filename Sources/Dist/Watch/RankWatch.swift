import Foundation
import Synchronization
import Tensors

/// Sees to it that this rank waits for nobody for ever: a thread that looks at the journal, asks other ranks where they are, and ends
/// the job with a text that says who has not come. It makes no call of MPI while it watches.
///
/// Of the ranks that wait for the same collective the lowest speaks.
///
/// - After a second, and then ever more rarely, it looks for a rank that makes *another* collective at this place, or has ended: an error at once.
/// - After a quarter of the limit (a minute without one) it warns, once, and says so when the missing ranks come.
/// - At the limit it ends the job. Time in which a missing rank works inside `alone { }` does not count.
final class RankWatch: Sendable {
  private let rank: Int
  private let size: Int
  private let journal: RankJournal
  private let channel: PeerChannel
  private let limit: Double?
  private let endJob: @Sendable () -> Never
  private var report: WaitReport { WaitReport(journal: journal) }
  private let isStopped = Atomic(false)

  /// - Parameters:
  ///   - rank: the number of this rank.
  ///   - size: how many ranks there are.
  ///   - journal: that of this rank.
  ///   - channel: asks the others.
  ///   - limit: seconds; nil for none.
  ///   - endJob: ends all ranks.
  init(
    rank: Int, size: Int, journal: RankJournal, channel: PeerChannel, limit: Double?,
    endJob: @escaping @Sendable () -> Never
  ) {
    (self.rank, self.size, self.journal, self.channel) = (rank, size, journal, channel)
    (self.limit, self.endJob) = (limit, endJob)
  }

  func start() { Thread.detachNewThread { self.run() } }

  /// The watch ends soon after.
  func stop() { isStopped.store(true, ordering: .relaxed) }

  // MARK: - Watching

  /// The wait that is going on.
  private struct Wait {
    var number = 0
    var since: UInt64 = 0
    /// Seconds waited at the next look for ranks that do something else.
    var nextLook = 1.0
    /// Seconds waited when it warns; infinite once that has been done, or another rank does it.
    var warning = Double.infinity
    /// Seconds waited when it ends the job; infinite without a limit.
    var end = Double.infinity
    /// Whom a warning has named.
    var warned: [Int] = []
    /// Whether a rank that speaks has been given time to end the job.
    var hasDeferred = false

    init() {}

    init(_ snapshot: RankJournal.Snapshot, limit: Double?) {
      (number, since) = (snapshot.waitingFor, snapshot.waitingSince)
      warning = limit.map { $0 / 4 } ?? 60
      end = limit ?? .infinity
    }

    var seconds: Double { Double(RankJournal.now &- since) / 1e9 }
  }

  private func run() {
    let neighbour = (rank + 1) % size
    var connection = channel.holdConnection(to: neighbour)
    var wait = Wait()
    while !isStopped.load(ordering: .relaxed) {
      if let held = connection {
        switch state(of: held) {
        case .open: break
        case .left: connection = nil
        case .ended:
          connection = nil
          endWithout(neighbour)
        }
      } else {
        Thread.sleep(forTimeInterval: 0.1)
      }
      look(&wait)
    }
    if let connection { close(connection) }
  }

  private enum Connection { case open, left, ended }

  /// Waits a tenth of a second for news of a rank.
  private func state(of connection: Int32) -> Connection {
    var wait = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
    guard poll(&wait, 1, 100) > 0 else { return .open }
    var byte: UInt8 = 0
    let count = recv(connection, &byte, 1, 0)
    if count < 0, errno == EAGAIN || errno == EINTR { return .open }
    close(connection)
    return count == 1 ? .left : .ended
  }

  private func look(_ wait: inout Wait) {
    let snapshot = journal.snapshot
    if snapshot.waitingFor != wait.number || snapshot.waitingSince != wait.since {
      if !wait.warned.isEmpty {
        let name = EngineError.Holding.name(ranks: wait.warned)
        say("\(name) came after \(WaitReport.text(wait.seconds))")
      }
      wait = Wait(snapshot, limit: limit)
    }
    guard wait.number > 0, let own = journal.entry(wait.number) else { return }
    let waited = wait.seconds
    guard waited >= min(wait.nextLook, wait.warning, wait.end) else { return }
    wait.nextLook = max(2 * waited, 2)
    if isAnotherReporting(wait.number) {
      wait.warning = .infinity
      guard waited >= wait.end else { return }
      if !wait.hasDeferred {
        wait.hasDeferred = true
        wait.end = waited + 3
        return
      }
    }
    let others = journal.others(inSequenceOf: wait.number, size: size, rank: rank)
    let asked = channel.ask(others, about: wait.number)
    if let error = channel.difference(own, rank: rank, asked, of: others) { end("\(error)") }
    let missing = zip(others, asked).filter { !hasCome($0.1, to: wait.number) }
    let isExcused = missing.contains { $0.1.isAlone }
    if isExcused { wait.end = waited + (limit ?? .infinity) }
    if waited >= wait.end { end(report.verdict(own, missing, seconds: waited)) }
    // Of a process that has ended whoever holds its connection speaks.
    guard waited >= wait.warning, !missing.isEmpty, !missing.contains(where: { $0.1.isGone })
    else { return }
    wait.warning = .infinity
    wait.warned = missing.map(\.0)
    let rest = isExcused || limit == nil ? nil : wait.end - waited
    say(report.warning(own, missing, seconds: waited, rest: rest))
  }

  /// Whether a lower rank waits for the same collective.
  private func isAnotherReporting(_ number: Int) -> Bool {
    // In order, and one after the other: the lowest is likely to wait too, and nobody else need be asked.
    for lower in journal.others(inSequenceOf: number, size: size, rank: rank) where lower < rank {
      guard case .status(let status) = channel.ask([lower], about: number)[0] else { continue }
      if status.waitingFor == number, !status.isAlone { return true }
    }
    return false
  }

  private func hasCome(_ answer: PeerAnswer, to number: Int) -> Bool {
    if case .status(let status) = answer { status.begun >= number } else { false }
  }

  private func say(_ text: String) { RankReport.print(text, watchOf: rank, size: size) }

  private func end(_ text: String) -> Never {
    say(text)
    endJob()
  }

  // MARK: - A rank that has ended

  /// Says that a rank's process has ended in the middle of the run, and ends the job unless the launcher does.
  ///
  /// Launchers say so themselves and end all other ranks within a tenth of a second: where that has begun there is nothing to say.
  private func endWithout(_ other: Int) {
    Thread.sleep(forTimeInterval: 0.1)
    if isStopped.load(ordering: .relaxed) { return }
    say(
      "rank \(other) has ended without leaving withStrategy: it was killed, it crashed, or it called exit"
        + report.lastMeeting)
    Thread.sleep(forTimeInterval: 2)
    if !isStopped.load(ordering: .relaxed) { endJob() }
  }
}
