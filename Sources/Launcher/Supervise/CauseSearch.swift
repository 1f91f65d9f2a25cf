import Foundation

/// What is known when an attempt has ended, and what follows from it: what happened first.
package struct CauseSearch: Sendable {
  package var records: [RankRecord]
  /// When the launcher told ranks to end; infinity when it did not.
  package var endedByUs = Double.infinity
  /// The rank that called MPI_Abort, as mpirun says.
  package var aborter: Int?
  /// What mpirun says of ranks.
  package var starterSaid: [MPIRunMessages.End] = []
  /// Machines that mpirun cannot reach.
  package var lostHosts: [String] = []
  package var starterName = "mpirun"
  /// How mpirun itself ended, where that says something.
  package var starterEnd: ExitStatus?

  package init(
    records: [RankRecord], endedByUs: Double = .infinity, aborter: Int? = nil,
    starterSaid: [MPIRunMessages.End] = [], lostHosts: [String] = [],
    starterName: String = "mpirun", starterEnd: ExitStatus? = nil
  ) {
    (self.records, self.endedByUs, self.aborter) = (records, endedByUs, aborter)
    (self.starterSaid, self.lostHosts) = (starterSaid, lostHosts)
    (self.starterName, self.starterEnd) = (starterName, starterEnd)
  }

  /// nil when nothing failed.
  package var cause: RootCause? {
    let failed = failed
    let speaker = records.firstIndex(where: \.hasOwnError)
    if let speaker, !failed.isEmpty || aborter != nil { return error(of: speaker) }
    if let aborter, records.indices.contains(aborter) { return error(of: aborter) }
    // Who was told to end by something else, such as mpirun, comes last.
    if let rank = failed.first(where: { records[$0].end?.signal != SIGTERM }) {
      return end(of: rank)
    }
    if let host = lostHosts.first { return .lost(host: host) }
    // Of ranks that the launcher has ended mpirun says the same as of others.
    if let end = starterSaid.first, !failed.isEmpty || endedByUs == .infinity {
      return .ended(rank: end.rank, end.status)
    }
    if let rank = failed.first { return end(of: rank) }
    guard let starterEnd, starterEnd.code != 0 else { return nil }
    return .launcherEnded(name: starterName, starterEnd)
  }

  /// Ranks that failed, the first one first. Who was told to end by the launcher, and did, has not failed.
  private var failed: [Int] {
    records.indices.filter { rank in
      guard let end = records[rank].end, end.code != 0 else { return false }
      if end.exitCode == RestartPolicy.savedCode { return false }
      return records[rank].endedAt <= endedByUs || end.signal == nil
    }.sorted { records[$0].endedAt < records[$1].endedAt }
  }

  private func end(of rank: Int) -> RootCause? {
    records[rank].end.map { .ended(rank: rank, $0) }
  }

  /// The end of a rank that has said what was wrong, or ended all others: mpirun, or the launcher, may have killed it before it left by itself.
  private func error(of rank: Int) -> RootCause {
    let own = records[rank].end.flatMap { $0.signal == nil && $0.code != 0 ? $0 : nil }
    return .ended(rank: rank, own ?? ExitStatus(1 << 8))
  }
}
