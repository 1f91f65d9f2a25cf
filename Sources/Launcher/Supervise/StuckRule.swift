import Dist

/// When a job that still runs has failed: a rank that has been stopped, or ranks that do not go on.
///
/// It judges only ranks that have joined Apus, and of those only where they say that they are in a training step that is not their first one:
/// compiling, validation, `alone { }` and everything between two trainings take as long as they take. A rank that others wait for
/// is found by their own watches at the wait limit; this rule is for what they cannot see.
package struct StuckRule: Sendable {
  /// Seconds; nil for never.
  package var limit: Double?
  /// Seconds for which ranks wait for one that has ended before it joined them.
  package var joinLimit = 5.0
  /// Seconds after which a machine that says nothing is lost.
  package var hostLimit = 20.0

  /// - Parameter limit: seconds; nil for never.
  package init(limit: Double?) { self.limit = limit }

  /// The cause, if the job has failed at `now`.
  package func cause(_ records: [RankRecord], at now: Double) -> RootCause? {
    leftEarly(records) ?? lostHost(records, at: now)
      ?? limit.flatMap {
        stopped(records, $0, at: now) ?? stuck(records, $0) ?? notJoined(records, $0)
      }
  }

  private func leftEarly(_ records: [RankRecord]) -> RootCause? {
    let others = records.filter(\.isRunning).map(\.beat.sighting)
    for (rank, record) in records.enumerated() where record.end?.code == 0 {
      switch record.beat.sighting.phase {
      case .joined where others.contains { $0.phase == .joined }: return .leftEarly(rank: rank)
      case .outside where others.contains { $0.phase == .joining && $0.idle > joinLimit }:
        return .leftEarly(rank: rank)
      default: continue
      }
    }
    return nil
  }

  private func lostHost(_ records: [RankRecord], at now: Double) -> RootCause? {
    let silent = records.filter { $0.isRunning && now - $0.heard > hostLimit }
    guard let process = silent.first?.process, !process.isHere else { return nil }
    // A rank beside it that is heard of shows that the machine is there.
    let isHeard = records.contains {
      $0.isRunning && $0.process?.host == process.host && now - $0.heard <= hostLimit
    }
    return isHeard ? nil : .lost(host: process.host)
  }

  private func stopped(_ records: [RankRecord], _ limit: Double, at now: Double) -> RootCause? {
    for (rank, record) in records.enumerated() where record.isRunning && record.hasJoined {
      if let since = record.stoppedSince, now - since >= limit {
        return .stopped(rank: rank, seconds: now - since)
      }
    }
    return nil
  }

  private func stuck(_ records: [RankRecord], _ limit: Double) -> RootCause? {
    guard records.allSatisfy({ $0.process != nil }) else { return nil }
    let running = records.enumerated().filter(\.element.isRunning)
    let sightings = running.map(\.element.beat.sighting)
    guard !sightings.isEmpty, sightings.allSatisfy({ $0.phase == .joined && !$0.isAlone }),
      let seconds = sightings.map(\.idle).min(), seconds >= limit
    else { return nil }
    let late = running.filter { $0.element.beat.sighting.waiting == nil }
    if late.isEmpty { return sightings.count > 1 ? .silent(seconds: seconds) : nil }
    let areInStep = late.allSatisfy {
      let sighting = $0.element.beat.sighting
      return sighting.epoch > 0 && sighting.step > 0 && sighting.steps > 1
    }
    return areInStep ? .stuck(ranks: late.map(\.offset), seconds: seconds) : nil
  }

  private func notJoined(_ records: [RankRecord], _ limit: Double) -> RootCause? {
    let running = records.enumerated().filter(\.element.isRunning)
    let waits = running.map(\.element.beat.sighting).filter { $0.phase == .joining }.map(\.idle)
    let missing = running.filter { $0.element.beat.sighting.phase == .outside }.map(\.offset)
    guard let seconds = waits.max(), seconds >= limit, !missing.isEmpty else { return nil }
    return .notJoined(ranks: missing, seconds: seconds)
  }
}
