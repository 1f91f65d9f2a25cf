/// What a rank does in a training step: kernels one after the other, and the messages that start and are waited for between them.
package struct StepWork: Sendable {
  /// One instruction of a plan.
  package enum Event: Sendable, Equatable {
    /// A kernel that takes as many seconds.
    case compute(Double)
    /// The start of a message, by its number.
    case start(Int)
    /// The wait for a message.
    case wait(Int)
  }

  /// Gradients on their way.
  package struct Message: Sendable, Equatable {
    /// What all ranks do with it.
    package enum Kind: Sendable {
      /// The sum over ranks, in all of them.
      case sum
      /// What each has goes to all.
      case gather
    }

    package var kind: Kind
    /// Bytes of the array that is summed, or that each rank sends to all others.
    package var byteCount: Int

    package init(_ kind: Kind = .sum, byteCount: Int) {
      (self.kind, self.byteCount) = (kind, byteCount)
    }
  }

  /// In the order in which they run.
  package var events: [Event]
  /// By number.
  package var messages: [Message]

  package init(events: [Event], messages: [Message] = []) {
    (self.events, self.messages) = (events, messages)
  }

  /// Seconds of all kernels.
  package var computeSeconds: Double {
    events.reduce(0) { sum, event in
      if case .compute(let seconds) = event { sum + seconds } else { sum }
    }
  }

  /// The same work on a rank that takes `factor` times as long for its kernels.
  package func slowed(by factor: Double) -> StepWork {
    var work = self
    work.events = events.map { event in
      if case .compute(let seconds) = event { .compute(seconds * factor) } else { event }
    }
    return work
  }
}
