import Tensors

/// What a rank says that waits for others.
struct WaitReport {
  /// Of the rank that waits.
  let journal: RankJournal

  /// Said when the job ends.
  func verdict(
    _ own: RankJournal.Entry, _ missing: [(Int, PeerAnswer)], seconds: Double
  ) -> String {
    guard !missing.isEmpty else {
      return
        "waited \(Self.text(seconds)) in \(own): all ranks are there, but their messages do not "
        + "arrive. \(Self.hint)"
    }
    let name = EngineError.Holding.name(ranks: missing.map(\.0))
    return "waited \(Self.text(seconds)) for \(name) in \(own). "
      + missing.map { text($0, $1) }.joined(separator: "; ") + ". \(Self.hint)"
  }

  /// Said once, while the rank goes on to wait.
  ///
  /// - `rest`: seconds until the run ends; nil when it does not.
  func warning(
    _ own: RankJournal.Entry, _ missing: [(Int, PeerAnswer)], seconds: Double, rest: Double?
  ) -> String {
    let name = EngineError.Holding.name(ranks: missing.map(\.0))
    let end = rest.map { ". The run ends in \(Self.text(max($0, 0))) unless they come" } ?? ""
    return "has waited \(Self.text(seconds)) for \(name) in \(own): "
      + missing.map { text($0, $1) }.joined(separator: "; ") + end
  }

  /// Where a rank was last seen.
  private func text(_ rank: Int, _ answer: PeerAnswer) -> String {
    switch answer {
    case .status(let status):
      let since = Self.text(status.seconds)
      let last = status.last.map { ", after \($0.text)" } ?? ""
      if status.isAlone { return "rank \(rank) works inside alone { }\(last)" }
      if status.waitingFor > 0 {
        return
          "rank \(rank) itself waits, since \(since), in \(status.last?.text ?? "a collective")"
      }
      return "rank \(rank) has been busy with something else for \(since)\(last)"
    case .silent:
      return
        "rank \(rank) does not answer (its process is stopped, or its machine hangs)\(lastMeeting)"
    case .gone: return "the process of rank \(rank) has ended\(lastMeeting)"
    case .unreachable:
      return "rank \(rank) cannot be reached by TCP (a firewall?)\(lastMeeting)"
    }
  }

  /// When all ranks were last known to be there: a collective that has ended here was begun by all.
  var lastMeeting: String {
    let snapshot = journal.snapshot
    let number = snapshot.waitingFor > 0 ? snapshot.waitingFor - 1 : snapshot.begun
    guard let entry = journal.entry(number) else { return "" }
    let seconds = Double(RankJournal.now &- entry.begun) / 1e9
    return "; last seen \(Self.text(seconds)) ago in \(entry)"
  }

  private static let hint =
    "A rank that needs longer: raise the limit with \(WaitLimit.variable)=SECONDS (0 for none), or put "
    + "what one rank does by itself into alone { }"

  static func text(_ seconds: Double) -> String {
    seconds < 10
      ? "\((seconds * 10).rounded() / 10) s"
      : seconds < 180 ? "\(Int(seconds)) s" : "\(Int(seconds / 60)) min"
  }
}
