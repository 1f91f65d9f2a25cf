import Foundation

/// What a step on ranks waits for most: found by replaying it without each of the causes.
package struct StepLimit: Sendable {
  /// What would make the step shorter.
  package enum Cause: Sendable, CaseIterable {
    /// Other ranks that compute more slowly, or compete for memory; the work of less than a whole batch.
    case compute
    case latency
    case bandwidth
    /// Sums in the memory of a node.
    case memory
    /// Copying through sockets and adding up, by the threads that compute.
    case copying
    /// Messages that go on only when a kernel ends.
    case progress
  }

  /// ``Cause/compute`` where a tenth or less of the step is exposed.
  package let cause: Cause
  /// One line for a person.
  package let text: String

  /// - Parameters:
  ///   - simulator: as the step was replayed.
  ///   - work: the step.
  ///   - outcome: of the replay.
  ///   - ideal: seconds of the step, if ranks lost nothing against one alone.
  package init(
    _ simulator: StepSimulator, _ work: StepWork, _ outcome: StepSimulator.Outcome, ideal: Double
  ) {
    let share = outcome.exposed / max(outcome.step, 1e-12)
    let slower = outcome.compute - ideal
    if slower > outcome.exposed, slower > 0.1 * outcome.step {
      cause = .compute
      text =
        "compute: kernels take \(String(format: "%.2f", outcome.compute / ideal)) x their share of one rank's"
      return
    }
    guard share > 0.1 else {
      cause = .compute
      text = "compute (\(Self.percent(1 - share)) of the step)"
      return
    }
    let gains = Cause.allCases.dropFirst().map { cause in
      (cause, outcome.step - Self.without(cause, simulator).run(work).step)
    }
    // The first of equal ones.
    let most = gains.reduce((Cause.compute, 0)) { $1.1 > $0.1 ? $1 : $0 }
    cause = most.0
    text = Self.text(cause, most.1, simulator, work, outcome)
  }

  private static func without(_ cause: Cause, _ simulator: StepSimulator) -> StepSimulator {
    var other = simulator
    switch cause {
    case .compute: break
    case .latency: (other.costs.latency, other.costs.nodeLatency) = (0, 0)
    case .bandwidth: (other.costs.bandwidth, other.costs.nodeBandwidth) = (.infinity, .infinity)
    case .memory:
      (other.costs.memoryLatency, other.costs.memoryBandwidth) = (0, .infinity)
    case .copying: (other.costs.copying, other.costs.reduction) = (.infinity, .infinity)
    case .progress: other.progress = .always
    }
    return other
  }

  private static func text(
    _ cause: Cause, _ gain: Double, _ simulator: StepSimulator, _ work: StepWork,
    _ outcome: StepSimulator.Outcome
  ) -> String {
    let saved = "\(percent(gain / max(outcome.step, 1e-12))) of the step"
    let messages = "\(work.messages.count) message\(work.messages.count == 1 ? "" : "s")"
    return switch cause {
    case .compute: "compute"
    case .latency: "latency: \(outcome.hops) hops of \(messages), \(saved)"
    case .bandwidth:
      "bandwidth: \(megabytes(outcome.networkBytes)) a rank between nodes, \(saved)"
    case .memory: "sums in the node's memory, \(saved)"
    case .copying: "copying and adding \(megabytes(outcome.networkBytes)) a rank, \(saved)"
    case .progress: "messages that go on between kernels only, \(saved)"
    }
  }

  private static func percent(_ share: Double) -> String {
    String(format: "%.0f %%", share * 100)
  }

  private static func megabytes(_ bytes: Double) -> String {
    String(format: "%.1f MB", bytes / 1e6)
  }
}
