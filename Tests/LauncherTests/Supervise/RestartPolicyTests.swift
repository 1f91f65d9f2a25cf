import Launcher
import Testing

/// What comes after an attempt: tables, nothing is started.
@Suite("Restarts") struct RestartPolicyTests {
  /// An attempt of a program of Apus that came to a step of epoch 1 and then failed.
  private func failed(
    _ cause: RootCause, step: Int = 0, seconds: Double = 5, isApus: Bool = true
  ) -> RestartPolicy.Attempt {
    var attempt = RestartPolicy.Attempt()
    (attempt.cause, attempt.isApus, attempt.seconds) = (cause, isApus, seconds)
    attempt.steps = step
    attempt.furthest = .init(epoch: step > 0 ? 1 : 0, step: step)
    return attempt
  }

  private static let killed = RootCause.ended(rank: 1, ExitStatus(9))
  private static let trapped = RootCause.ended(rank: 1, ExitStatus(5))

  private static func code(_ code: Int32) -> RootCause { .ended(rank: 0, ExitStatus(code << 8)) }

  @Test("come after every failure but those that cannot get better")
  func hopeless() {
    func isRestarted(_ attempt: RestartPolicy.Attempt) -> Bool {
      var policy = RestartPolicy(maxRestarts: 1)
      return policy.decide(after: attempt) == .restart(1)
    }
    #expect(isRestarted(failed(Self.killed, step: 3)))
    #expect(isRestarted(failed(Self.code(1), step: 3)))
    #expect(isRestarted(failed(Self.trapped, step: 3)))
    #expect(isRestarted(failed(.stopped(rank: 0, seconds: 5), step: 3)))
    #expect(isRestarted(failed(.stuck(ranks: [0], seconds: 5), step: 3)))
    #expect(isRestarted(failed(.leftEarly(rank: 1), step: 3)))
    #expect(isRestarted(failed(.lost(host: "b"))))
    #expect(isRestarted(failed(.launcherEnded(name: "mpirun", ExitStatus(9)))))
    // Before the first step a kill comes from outside, an error from the program.
    #expect(isRestarted(failed(Self.killed)))
    #expect(!isRestarted(failed(Self.code(1))))
    #expect(!isRestarted(failed(Self.trapped)))
    // Steps are not seen of a loop of one's own, which has run for a while, nor of any other program.
    #expect(isRestarted(failed(Self.code(1), seconds: 61)))
    #expect(isRestarted(failed(Self.code(1), isApus: false)))
    for code: Int32 in [2, 64, 126, 127] {
      #expect(!isRestarted(failed(Self.code(code), step: 3, isApus: false)))
    }
    var unstarted = failed(.launcherEnded(name: "mpirun", ExitStatus(213 << 8)))
    #expect(isRestarted(unstarted))
    unstarted.hasStarted = false
    #expect(!isRestarted(unstarted))
  }

  @Test("end with the exit code of the first failure") func exhausted() {
    var policy = RestartPolicy(maxRestarts: 2)
    #expect(policy.decide(after: failed(Self.killed, step: 3)) == .restart(1))
    #expect(policy.decide(after: failed(Self.code(4), step: 5)) == .restart(2))
    #expect(
      policy.decide(after: failed(Self.code(5), step: 9))
        == .end(code: 137, reason: "no restart is left of 2"))
    var none = RestartPolicy(maxRestarts: 0)
    #expect(none.decide(after: failed(Self.code(4), step: 3)) == .end(code: 4, reason: nil))
  }

  @Test("are given up when they make no new step") func futile() {
    var policy = RestartPolicy(maxRestarts: 100)
    #expect(policy.decide(after: failed(Self.killed, step: 7)) == .restart(1))
    #expect(policy.decide(after: failed(Self.killed, step: 7)) == .restart(2))
    #expect(policy.decide(after: failed(Self.killed, step: 6)) == .restart(3))
    // One step further: the count begins again.
    #expect(policy.decide(after: failed(Self.killed, step: 8)) == .restart(4))
    #expect(policy.decide(after: failed(Self.killed, step: 8)) == .restart(5))
    #expect(policy.decide(after: failed(Self.killed)) == .restart(6))
    guard case .end(137, let reason?) = policy.decide(after: failed(Self.killed, step: 8)) else {
      Issue.record("restarted for the seventh time")
      return
    }
    #expect(reason.contains("made no new step"))
  }

  @Test("do not come after success, notices and signals") func endings() {
    var policy = RestartPolicy(maxRestarts: 5)
    var good = RestartPolicy.Attempt()
    good.isComplete = true
    #expect(policy.decide(after: good) == .end(code: 0, reason: nil))
    good.signal = 15
    #expect(policy.decide(after: good) == .end(code: 0, reason: nil))
    var saved = RestartPolicy.Attempt()
    (saved.isSaved, saved.signal) = (true, 10)
    #expect(policy.decide(after: saved) == .end(code: 75, reason: nil))
    var interrupted = RestartPolicy.Attempt()
    interrupted.signal = 2
    #expect(policy.decide(after: interrupted) == .end(code: 130, reason: nil))
    interrupted.cause = Self.killed
    #expect(policy.decide(after: interrupted) == .end(code: 130, reason: nil))
  }
}
