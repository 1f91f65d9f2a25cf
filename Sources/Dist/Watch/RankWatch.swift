import Foundation
import Synchronization
import Tensors

/// Sees to it that this rank waits for nobody for ever: a thread that looks at the journal, asks other ranks where they are, and ends
/// the job with a text that says who has not come. It makes no call of MPI while it watches.
///
/// Of the ranks that wait for the same collective the lowest speaks.
///
/// - After a second, and then ever more rarely, it looks for a rank that makes *another* collective at this place, or has ended: an error at once.
/// - After a quarter of the limit it warns, once, and says so when the missing ranks come.
/// - At the limit it ends the job. Time in which a missing rank works inside `alone { }` does not count.
final class RankWatch: Sendable {
  private let rank: Int
  private let size: Int
  private let journal: RankJournal
  private let channel: PeerChannel
  private let limit: Double?
  private let end: @Sendable (String) -> Never
  private var report: WaitReport { WaitReport(journal: journal) }
  private let isStopped = Atomic(false)

  /// - `limit`: seconds; nil for none.
  /// - `end`: prints a text and ends the job.
  init(
    rank: Int, size: Int, journal: RankJournal, channel: PeerChannel, limit: Double?,
    end: @escaping @Sendable (String) -> Never
  ) {
    (self.rank, self.size, self.journal, self.channel) = (rank, size, journal, channel)
    (self.limit, self.end) = (limit, end)
  }

  func start() { Thread.detachNewThread { self.run() } }

  /// The watch ends soon after.
  func stop() { isStopped.store(true, ordering: .relaxed) }

  // MARK: - Watching

  /// The wait that is going on.
  private struct Wait {
    var number = 0
    var since: UInt64 = 0
    /// Seconds waited at the next look at the others.
    var nextLook = 1.0
    /// Seconds that do not count, because a missing rank worked alone.
    var excused = 0.0
    /// Whom a warning has named, and when.
    var warned: (ranks: [Int], seconds: Double)?
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
          reportEnd(of: neighbour)
        }
      } else {
        Thread.sleep(forTimeInterval: 0.1)
      }
      look(&wait)
    }
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
      if let (ranks, _) = wait.warned {
        let name = EngineError.Holding.name(ranks: ranks)
        say("\(name) came after \(WaitReport.text(Double(RankJournal.now &- wait.since) / 1e9))")
      }
      wait = Wait(number: snapshot.waitingFor, since: snapshot.waitingSince)
    }
    guard wait.number > 0, let own = journal.entry(wait.number) else { return }
    let waited = Double(RankJournal.now &- wait.since) / 1e9
    let counted = waited - wait.excused
    let isOver = limit.map { counted >= $0 } ?? false
    let mustWarn = wait.warned == nil && limit.map { counted >= $0 / 4 } ?? (waited > 60)
    guard waited >= wait.nextLook || isOver || mustWarn else { return }
    wait.nextLook = max(wait.nextLook, 1) * 2
    if isAnotherReporting(wait.number, isOver: isOver) {
      // Whoever speaks is given time to end the job.
      if isOver, counted < (limit ?? 0) + 3 { return }
      if !isOver { return }
    }
    let others = journal.others(inSequenceOf: wait.number, size: size, rank: rank)
    let asked = channel.ask(others, about: wait.number)
    if let error = channel.difference(own, rank: rank, asked, of: others) { end("\(error)") }
    let answers = Array(zip(others, asked))
    let missing = answers.filter { !hasCome($0.1, to: wait.number) }
    let isExcused = missing.contains {
      if case .status(let it) = $0.1 { it.isAlone } else { false }
    }
    if isExcused { wait.excused = waited }
    if isOver, !isExcused { end(report.verdict(own, missing, seconds: counted)) }
    if mustWarn, !missing.isEmpty {
      wait.warned = (missing.map(\.0), waited)
      say(
        report.warning(
          own, missing, seconds: waited, rest: isExcused ? nil : limit.map { $0 - counted }))
    }
  }

  /// Whether a lower rank waits for the same collective.
  private func isAnotherReporting(_ number: Int, isOver: Bool) -> Bool {
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

  private func say(_ text: String) { RankReport.print(text, rank: rank, size: size) }

  // MARK: - A rank that has ended

  /// Says that a rank's process has ended in the middle of the run. The launcher then ends all others, within milliseconds: where it is doing so already there is nothing to say.
  private func reportEnd(of other: Int) {
    Thread.sleep(forTimeInterval: 0.002)
    if isStopped.load(ordering: .relaxed) { return }
    say(
      "rank \(other) has ended without leaving withStrategy: it was killed, it crashed, or it called exit"
        + report.lastMeeting)
  }
}
