import Foundation

extension Model {
  /// The time of each instruction of the step that ran last, slowest first, as a table.
  ///
  /// Runs the step `repetitions` times on the batch that is in its memory, so the weights change.
  ///
  /// - Throws: ``EngineError/model(message:)`` when no compiled step has run.
  package func profileOfLastStep(repetitions: Int) throws -> String {
    guard let plan = recent?.step.plan else {
      throw EngineError.model(message: "there is no compiled step to profile: call fit first")
    }
    var best = [Double](repeating: .infinity, count: plan.instructions.count)
    for _ in 0..<max(repetitions, 1) {
      best = zip(best, try plan.profile()).map { min($0, $1.seconds) }
    }
    let total = best.reduce(0, +)
    let rows = zip(plan.instructions, best).sorted { $0.1 > $1.1 }.map { instruction, seconds in
      let inputs = instruction.inputs.prefix(3).map { "\($0.layout.shape)" }
      return String(format: "%9.1f us %5.1f %%  ", seconds * 1e6, 100 * seconds / total)
        + "\(instruction.primitive.name) \(inputs.joined(separator: " "))"
    }
    let head = String(
      format: "%.1f us in %d instructions, arena of %d KiB", total * 1e6, rows.count,
      plan.arenaBytes / 1024)
    return ([head] + rows).joined(separator: "\n")
  }
}
