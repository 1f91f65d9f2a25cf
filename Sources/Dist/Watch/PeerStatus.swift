import Tensors

/// What a rank answers to one that waits for it.
struct PeerStatus: Codable, Sendable {
  /// A collective, as the rank that begun it names it.
  struct Call: Codable, Sendable {
    /// Equal for equal collectives.
    var hash: UInt64
    /// The collective and where it was begun.
    var text: String
  }

  /// The number of the last collective that it has begun in the sequence of the one that it was asked about.
  var begun: Int
  /// The number of the collective that it waits for; 0 for none.
  var waitingFor: Int
  /// Seconds that it has waited, or since it last stopped waiting.
  var seconds: Double
  /// The collective that it was asked about, if it has begun that.
  var asked: Call?
  /// The last collective that it has begun.
  var last: Call?
  /// The collective that it waits for.
  var waiting: Call?
  /// Whether it works by itself, inside `alone { }`.
  var isAlone: Bool
}

extension PeerStatus {
  /// What a journal says, with the collective `number`.
  init(_ journal: RankJournal, about number: Int) {
    let snapshot = journal.snapshot
    let now = RankJournal.now
    begun = journal.begun(inSequenceOf: number)
    waitingFor = snapshot.waitingFor
    let since = waitingFor == 0 ? snapshot.returned : snapshot.waitingSince
    seconds = Double(now &- since) / 1e9
    asked = journal.entry(number).map(Call.init)
    last = journal.entry(snapshot.last).map(Call.init)
    waiting = journal.entry(waitingFor).map(Call.init)
    isAlone = snapshot.aloneSince != nil
  }
}

extension PeerStatus.Call {
  init(_ entry: RankJournal.Entry) {
    self.init(hash: entry.call.stableHash, text: entry.description)
  }
}

/// What came of asking a rank.
enum PeerAnswer: Sendable {
  /// It said where it is.
  case status(PeerStatus)
  /// Its process is there but answers nothing: it is stopped, or its machine hangs.
  case silent
  /// Nobody listens there any more: the process has ended.
  case gone
  /// Its machine could not be reached in time.
  case unreachable

  /// Whether the rank works inside `alone { }`.
  var isAlone: Bool { if case .status(let status) = self { status.isAlone } else { false } }

  /// Whether its process has ended.
  var isGone: Bool { if case .gone = self { true } else { false } }
}
