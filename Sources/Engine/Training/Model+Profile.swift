import Tensors

/// Where the time of a step goes.
package struct StepProfile: Sendable {
  /// One instruction of the plan.
  package struct Entry: Sendable {
    /// The kernel.
    package let name: String
    /// Shapes of what it reads.
    package let inputs: [Shape]
    /// The shortest time of all runs.
    package let seconds: Double
  }

  /// In the order in which they run.
  package let entries: [Entry]
  /// Bytes of the plan's arena.
  package let arenaBytes: Int
}

extension Model {
  /// The plan of the step that ran last; nil before the first one, and when operations run one by one.
  package var planOfLastStep: Plan? { steps.latest?.plan }

  /// The time of each instruction of the step that ran last.
  ///
  /// Runs the step `repetitions` times on the batch that is in its memory, so the weights change. Collective: the step
  /// adds gradients over ranks.
  ///
  /// - Throws: ``EngineError/model(message:)`` when no compiled step has run.
  package func profileOfLastStep(repetitions: Int) throws -> StepProfile {
    guard let plan = planOfLastStep else {
      throw EngineError.model(message: "there is no compiled step to profile: call fit first")
    }
    var best = [Double](repeating: .infinity, count: plan.instructions.count)
    for _ in 0..<max(repetitions, 1) {
      best = zip(best, try plan.profile()).map { min($0, $1.seconds) }
    }
    let entries = zip(plan.instructions, best).map { instruction, seconds in
      StepProfile.Entry(
        name: instruction.primitive.name, inputs: instruction.inputs.map(\.layout.shape),
        seconds: seconds)
    }
    return StepProfile(entries: entries, arenaBytes: plan.arenaBytes)
  }

  /// The graph of a training step before any pass, traced anew; nothing is trained.
  ///
  /// - Parameters:
  ///   - x: inputs, as for `fit`.
  ///   - y: labels, as for `fit`.
  ///   - batchSize: samples of the step over all ranks, at most those of `x`.
  /// - Returns: the graph, in which the updates of variables are outputs.
  /// - Throws: ``EngineError`` on data that does not fit.
  package func traceTrainingStep(
    x: some Encodable, y: some Encodable, batchSize: Int
  ) throws -> Graph {
    let encoder = StructureEncoder()
    let dataset = try Dataset(x: try encoder.encode(x), y: try encoder.encode(y))
    let rows = Sharding.slice(count: batchSize, rank: communicator.rank, size: communicator.size)
    try build(dataset, rows: rows.count)
    return try Trace.record(dataset.specs(rows: rows.count)) { tensors in
      try EqualShares.$areCertain.withValue(rows.count * communicator.size == batchSize) {
        try GradientWatch.$current.withValue(gradientWatch()) {
          try trainBody(try dataset.batch(tensors), globalRows: batchSize)
        }
      }
      return []
    }
  }
}
