import Dist
import Launcher
import Tensors
import Testing

/// Which jobs count as failed although they run: tables, nothing is started.
@Suite("Jobs that do not go on") struct StuckRuleTests {
  /// A rank in step 4 of epoch 2 that last went on `idle` seconds ago.
  private func rank(
    idle: Double, phase: RankMirror.Phase = .joined, isHere: Bool = true,
    change: (inout RankSighting) -> Void = { _ in }
  ) -> RankRecord {
    var record = RankRecord()
    record.process = RankProcess(
      host: isHere ? "here" : "there", isHere: isHere, program: 10, parent: 9, group: 9)
    var beat = RankBeat()
    beat.sighting.phase = phase
    if phase == .joined {
      (beat.sighting.epoch, beat.sighting.step, beat.sighting.steps) = (2, 4, 9)
    }
    beat.sighting.idle = idle
    change(&beat.sighting)
    record.note(beat, at: 100)
    return record
  }

  private func waiting(_ seconds: Double) -> RankRecord {
    rank(idle: seconds) { $0.waiting = seconds }
  }

  private func cause(_ records: [RankRecord], limit: Double? = 10) -> RootCause? {
    StuckRule(limit: limit).cause(records, at: 100)
  }

  @Test("are those of which no rank goes on") func stuck() {
    #expect(cause([waiting(20), rank(idle: 21)]) == .stuck(ranks: [1], seconds: 20))
    #expect(cause([rank(idle: 12), rank(idle: 11)]) == .stuck(ranks: [0, 1], seconds: 11))
    #expect(cause([waiting(12), waiting(11)]) == .silent(seconds: 11))
    #expect(cause([waiting(9), rank(idle: 21)]) == nil)
    #expect(cause([waiting(20), rank(idle: 2)]) == nil)
    #expect(cause([waiting(20), rank(idle: 20)], limit: nil) == nil)
  }

  @Test("are not those that compile, validate or work alone") func busy() {
    let first = rank(idle: 50) { $0.steps = 1 }
    #expect(cause([waiting(50), first]) == nil)
    let between = rank(idle: 50) { ($0.epoch, $0.step) = (0, 0) }
    #expect(cause([waiting(50), between]) == nil)
    let validating = rank(idle: 50) { $0.epoch = 0 }
    #expect(cause([waiting(50), validating]) == nil)
    let alone = rank(idle: 50) { $0.isAlone = true }
    #expect(cause([waiting(50), alone]) == nil)
    // Not all ranks have started.
    #expect(cause([rank(idle: 50), RankRecord()]) == nil)
  }

  @Test("are never those of programs that have not joined Apus") func others() {
    let other = rank(idle: 500, phase: .outside)
    #expect(cause([other, other]) == nil)
    var stopped = RankBeat()
    stopped.isStopped = true
    var record = other
    record.note(stopped, at: 0)
    record.note(stopped, at: 100)
    #expect(cause([record, other]) == nil)
  }

  @Test("have a rank that a signal has stopped") func stopped() {
    var record = rank(idle: 1)
    var beat = record.beat
    beat.isStopped = true
    record.note(beat, at: 85)
    record.note(beat, at: 100)
    #expect(cause([waiting(1), record]) == .stopped(rank: 1, seconds: 15))
    #expect(cause([waiting(1), record], limit: 16) == nil)
    // It went on in between.
    beat.isStopped = false
    record.note(beat, at: 95)
    beat.isStopped = true
    record.note(beat, at: 96)
    #expect(cause([waiting(1), record]) == nil)
  }

  @Test("have a rank that left without the others") func early() {
    var gone = rank(idle: 0)
    gone.note(end: ExitStatus(0), at: 99)
    #expect(cause([rank(idle: 0), gone], limit: nil) == .leftEarly(rank: 1))
    var left = rank(idle: 0, phase: .left)
    left.note(end: ExitStatus(0), at: 99)
    #expect(cause([rank(idle: 0), left]) == nil)
    // It never joined: others may still start, for a while.
    var never = rank(idle: 0, phase: .outside)
    never.note(end: ExitStatus(0), at: 99)
    #expect(cause([rank(idle: 4, phase: .joining), never], limit: nil) == nil)
    #expect(cause([rank(idle: 6, phase: .joining), never], limit: nil) == .leftEarly(rank: 1))
    #expect(cause([rank(idle: 6, phase: .outside), never], limit: nil) == nil)
  }

  @Test("have a rank that does not join") func notJoined() {
    let records = [rank(idle: 11, phase: .joining), rank(idle: 0, phase: .outside)]
    #expect(cause(records) == .notJoined(ranks: [1], seconds: 11))
    #expect(cause(records, limit: 12) == nil)
  }

  @Test("have lost a machine that says nothing") func lost() {
    let far = rank(idle: 1, isHere: false)
    func cause(at time: Double, _ records: [RankRecord]) -> RootCause? {
      StuckRule(limit: nil).cause(records, at: time)
    }
    var here = rank(idle: 1)
    here.note(here.beat, at: 121)
    #expect(cause(at: 119, [here, far]) == nil)
    #expect(cause(at: 121, [here, far]) == .lost(host: "there"))
    var heard = far
    heard.note(far.beat, at: 121)
    #expect(cause(at: 121, [here, far, heard]) == nil)
  }
}
