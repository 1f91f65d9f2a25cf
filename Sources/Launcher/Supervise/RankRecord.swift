import Dist

/// What the launcher knows of one rank. Times are seconds since the attempt began.
package struct RankRecord: Sendable {
  /// Its processes, once they have started.
  package var process: RankProcess?
  package private(set) var beat = RankBeat()
  /// When it was last heard of.
  package private(set) var heard = 0.0
  /// Since when its process has been stopped.
  package private(set) var stoppedSince: Double?
  /// How it ended.
  package private(set) var end: ExitStatus?
  /// When that was known.
  package private(set) var endedAt = 0.0
  /// What it last wrote to standard output.
  package var lastLine = LastLine()
  /// Whether it wrote an error of its own, `[rank 2/3] ...`.
  package var hasOwnError = false
  /// Whether it wrote anything to standard error.
  package var hasWrittenErrors = false

  /// A rank that has not started.
  package init() {}

  /// Whether its program runs.
  package var isRunning: Bool { process != nil && end == nil }

  /// Whether it became one of the ranks of Apus.
  package var hasJoined: Bool { beat.sighting.phase == .joined || beat.sighting.phase == .left }

  /// Notes how the rank was at `time`.
  package mutating func note(_ beat: RankBeat, at time: Double) {
    self.beat = beat
    heard = time
    stoppedSince = beat.isStopped ? stoppedSince ?? time : nil
  }

  /// Notes how the rank ended.
  package mutating func note(end: ExitStatus, at time: Double) {
    (self.end, endedAt, heard) = (end, time, time)
  }
}
