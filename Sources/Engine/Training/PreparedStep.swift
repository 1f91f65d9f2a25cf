import Logging
import Tensors

private let logger = Logger(label: "apus.step")

/// What a step does with a batch.
enum StepMode: String, Hashable {
  /// Forward, loss, backward, reduction over ranks, update, metrics.
  case train
  /// Forward, loss, metrics.
  case test
  /// Forward.
  case predict
}

/// What a compiled step depends on, beside the form of the data (``Dataset/isLike(_:)``).
struct StepKey: Equatable {
  let mode: StepMode
  let rows: Int
  /// Class weights that the trace holds.
  let classWeight: [Int: Double]?
  /// Rows of the batch over all ranks: matters with `LossScaling.globalBatch` and for sums, else 0.
  let globalRows: Int
  /// Which parameters are trained, and which modules are kept at inference.
  let modes: [Bool]
  /// How many threads the plan is cut for.
  let threads: Int
  /// How many ranks add their gradients: one rank can work alone.
  let replicas: Int
  /// Whether a step looks for numbers that are not finite.
  let looks: Bool
  /// Whether a step only accumulates gradients.
  let accumulates: Bool
  /// Whether all ranks have as many rows.
  let hasEqualShares: Bool
}

/// A step that is ready to run on batches of one shape.
final class PreparedStep {
  /// Nil when operations run one by one.
  let plan: Plan?
  /// What runs when there is no plan.
  private let body: (([Tensor]) throws -> [Tensor])?
  /// The form of the predictions, filled by the first run.
  let outputForm: () -> Structure
  /// What a training step looks at.
  let watch: GradientWatch?
  /// The shapes of the predictions for one sample more, once somebody has asked; empty when there cannot be more.
  var shapesOfOneMore: [Shape]?

  init(
    plan: Plan?, watch: GradientWatch?, outputForm: @escaping () -> Structure,
    body: @escaping ([Tensor]) throws -> [Tensor]
  ) {
    self.plan = plan
    self.watch = watch
    self.outputForm = outputForm
    self.body = plan == nil ? body : nil
  }

  /// Runs on the samples `rows` of a data set.
  func run(_ dataset: Dataset, rows: UnsafeBufferPointer<Int64>) throws {
    if let plan {
      dataset.fill({ plan.inputPointer($0) }, rows: rows)
      try plan.run()
    } else {
      _ = try runEagerly(dataset, rows)
    }
  }

  /// Runs on the samples `rows` and gives the predictions.
  func predict(_ dataset: Dataset, rows: UnsafeBufferPointer<Int64>) throws -> [Tensor] {
    if let plan {
      dataset.fill({ plan.inputPointer($0) }, rows: rows)
      try plan.run()
      return plan.readOutputs()
    }
    return try runEagerly(dataset, rows)
  }

  private func runEagerly(
    _ dataset: Dataset, _ rows: UnsafeBufferPointer<Int64>
  ) throws -> [Tensor] {
    try withErrors { try body?(dataset.gather(rows: rows)) ?? [] }
  }
}

extension Model {
  /// The step for batches like `rows` samples of `dataset`, compiled at the first use.
  func step(
    _ mode: StepMode, _ dataset: Dataset, rows: Int, globalRows: Int
  ) throws -> PreparedStep {
    let hasEqualShares = rows * strategy.replicaCount == globalRows
    let key = StepKey(
      mode: mode, rows: rows,
      classWeight: dataset.classWeight != nil && asksForClassWeights ? dataset.classWeight : nil,
      globalRows: dependsOnGlobalRows ? globalRows : 0,
      modes: mode == .predict ? [] : module.modes,
      threads: ComputeThreads.count, replicas: strategy.replicaCount,
      looks: mode == .train && nonFinite.looks, accumulates: mode == .train && accumulates,
      hasEqualShares: mode == .train && hasEqualShares)
    if let known = steps.step(for: key, dataset), (known.plan == nil) == runEagerly { return known }
    var form = Structure.none
    let specs = dataset.specs(rows: rows)
    let dataset = dataset.withoutRows
    let body: ([Tensor]) throws -> [Tensor] = { [unowned self] tensors in
      let batch = try dataset.batch(tensors)
      switch mode {
      case .train:
        try trainBody(batch, globalRows: globalRows)
        return []
      case .test:
        try testBody(batch, globalRows: globalRows)
        return []
      case .predict:
        let output = try forward(batch, isTraining: false).output
        // Not the tensors themselves: the whole trace would be kept with them.
        form = output.map { .zeros($0.shape, dtype: $0.dtype) }
        return output.tensors
      }
    }
    let watch = mode == .train ? gradientWatch() : nil
    let placed: ([Tensor]) throws -> [Tensor] = { [unowned self] tensors in
      // Layers in which ranks meet ask for the strategy.
      try EqualShares.$areCertain.withValue(hasEqualShares) {
        try GradientWatch.$current.withValue(watch) {
          try DistributionContext.$strategy.withValue(strategy) {
            try placingNoise(rows: rows) { try body(tensors) }
          }
        }
      }
    }
    noteUnevenShares(mode, globalRows: globalRows)
    let plan = runEagerly ? nil : try compile(mode, specs, placed)
    let step = PreparedStep(plan: plan, watch: watch, outputForm: { form }, body: placed)
    steps.keep(step, for: key, dataset, limit: stepCacheLimit)
    return step
  }

  /// Whether a loss or metric asks for class weights by name, so that the trace holds them. Everywhere else they are in the
  /// weights of samples.
  private var asksForClassWeights: Bool {
    let requirements = losses.flatMap(\.requirements) + ownMetrics.flatMap(\.requirements)
    return requirements.contains { $0.name == "classWeight" }
  }

  /// Whether a share's losses are scaled by the rows of the whole batch.
  private var dependsOnGlobalRows: Bool {
    strategy.lossScaling == .globalBatch || losses.contains { $0.loss.options.reduction == .sum }
  }

  /// The passes that compiled steps go through.
  package var passes: [any Pass] {
    (usesBFloat16 == true ? [BFloat16Products()] : []) + Passes.standard
  }

  private func compile(
    _ mode: StepMode, _ specs: [TensorSpec], _ body: ([Tensor]) throws -> [Tensor]
  ) throws -> Plan {
    let watch = PropertyWatch(module.modules + ownMetrics)
    let graph = try Trace.record(specs, body)
    try graph.checkIsClosed()
    warn(of: watch.changed)
    // Predictions are read before the next batch is looked at.
    let inputBuffers = mode == .predict || prefetcher == nil ? 1 : 2
    return try Plan(graph, passes: passes, inputBuffers: inputBuffers, arena: arena)
  }

  private func warn(of changed: [String]) {
    guard !changed.isEmpty, isChief else { return }
    logger.warning(
      """
      \(changed.joined(separator: ", ")) changed while a step was compiled. Swift code in call, update and result runs \
      once, when a step is compiled, and not for every batch: keep what changes in a state, or make the model with \
      runEagerly: true
      """)
  }
}
