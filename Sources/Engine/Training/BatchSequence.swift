import Tensors

/// One pass over the samples of a data set, batch by batch: while a step runs the next batch is copied, where a CPU is
/// free for that.
final class BatchSequence {
  private let model: Model
  private let mode: StepMode
  private let dataset: Dataset
  private let batchSize: Int
  /// At a fixed address, because another thread reads it.
  private let order: UnsafeMutableBufferPointer<Int64>
  /// The batch that has been copied, or is being copied, ahead of time.
  private var ahead: (index: Int, plan: Plan, buffer: Int)?

  /// - `order`: the samples in the order in which they are taken.
  /// - `batchSize`: samples of a batch over all ranks; the last one may be smaller.
  init(_ model: Model, _ mode: StepMode, _ dataset: Dataset, order: [Int64], batchSize: Int) {
    self.model = model
    self.mode = mode
    self.dataset = dataset
    self.batchSize = batchSize
    self.order = .allocate(capacity: order.count)
    _ = self.order.initialize(from: order)
  }

  deinit {
    model.prefetcher?.wait()
    order.deallocate()
  }

  /// Runs one step on this rank's share of batch `index`.
  func run(_ index: Int) throws {
    let rows = share(of: index)
    model.enter(step: index)
    if mode == .train, !rows.isEmpty { model.stepsWithRows += 1 }
    model.sharePlace?.set(globalRows: globalRows(of: index))
    let step = try model.lastStep(
      mode, dataset, rows: rows.count, globalRows: globalRows(of: index))
    guard let plan = step.plan, let prefetcher = model.prefetcher else {
      return try model.guarding(step) { try step.run(dataset, rows: rows) }
    }
    prefetcher.wait()
    let isUndisturbed = prefetcher.user == ObjectIdentifier(self)
    prefetcher.user = ObjectIdentifier(self)
    var buffer = 0
    if isUndisturbed, let ahead, ahead.index == index, ahead.plan === plan {
      buffer = ahead.buffer
    } else {
      dataset.fill({ plan.inputPointer($0) }, rows: rows)
    }
    ahead = nil
    // Another shape has another plan, which may not be there yet.
    if (index + 1) * batchSize < order.count, globalRows(of: index + 1) == globalRows(of: index) {
      let next = share(of: index + 1)
      if next.count == rows.count {
        ahead = (index + 1, plan, 1 - buffer)
        prefetcher.start(dataset, plan, buffer: 1 - buffer, rows: next)
      }
    }
    try model.guarding(step) { try plan.run(buffer: buffer) }
  }

  private func globalRows(of index: Int) -> Int { min(batchSize, order.count - index * batchSize) }

  private func share(of index: Int) -> UnsafeBufferPointer<Int64> {
    let range = Sharding.slice(
      start: index * batchSize, count: globalRows(of: index), rank: model.communicator.rank,
      size: model.communicator.size)
    return UnsafeBufferPointer(rebasing: order[range])
  }
}

extension Model {
  /// Runs one step on a batch that is a data set of its own.
  func run(_ mode: StepMode, _ dataset: Dataset) throws {
    let order = (0..<Int64(dataset.count)).map { $0 }
    try BatchSequence(self, mode, dataset, order: order, batchSize: max(dataset.count, 1)).run(0)
  }

  /// The step that ran last when it fits again: nothing is looked up in a steady state.
  fileprivate func lastStep(
    _ mode: StepMode, _ dataset: Dataset, rows: Int, globalRows: Int
  ) throws -> Step {
    let shape = RecentStep.Shape(
      mode: mode, rows: rows, globalRows: globalRows, replicas: strategy.replicaCount,
      looks: nonFinite.looks)
    if let recent, recent.shape == shape, recent.dataset == dataset.identity { return recent.step }
    let step = try step(mode, dataset, rows: rows, globalRows: globalRows)
    recent = RecentStep(shape: shape, dataset: dataset.identity, step: step)
    return step
  }
}

extension Model {
  /// Looks the step up again when a callback has frozen or unfrozen something.
  func noticeModeChanges() {
    let changes = ModeChanges.count
    if changes != modeChanges { recent = nil }
    modeChanges = changes
  }
}

/// The step that ran last.
struct RecentStep {
  struct Shape: Equatable {
    let mode: StepMode
    let rows: Int
    let globalRows: Int
    let replicas: Int
    let looks: Bool
  }

  let shape: Shape
  let dataset: Int
  let step: Step
}
