import Tensors

/// One pass over the samples of a data set, batch by batch: while a step runs the next batch is copied, where a CPU is
/// free for that.
final class BatchSequence {
  private let run: Run
  private let mode: StepMode
  private let dataset: Dataset
  private let batchSize: Int
  private let copiesAhead: Bool
  /// At a fixed address, because another thread reads it.
  private let order: UnsafeMutableBufferPointer<Int64>
  /// The steps that ran last, one for each shape.
  private var recent: [(shape: BatchShape, step: PreparedStep)] = []
  /// The batch that has been copied, or is being copied, ahead of time.
  private var ahead: (index: Int, plan: Plan, buffer: Int)?

  private var model: Model { run.model }

  /// What steps of one pass can differ in.
  private struct BatchShape: Equatable {
    let rows: Int
    let globalRows: Int
    let looks: Bool
    let accumulates: Bool
  }

  /// A pass that begins with the first batch.
  ///
  /// - Parameters:
  ///   - run: the call that makes it.
  ///   - mode: what is done with each batch.
  ///   - dataset: the samples of all ranks.
  ///   - order: the samples in the order in which they are taken; as they lie in the data set unless given.
  ///   - batchSize: samples of a batch over all ranks; the last one may be smaller.
  init(
    _ run: Run, _ mode: StepMode, _ dataset: Dataset, order: [Int64]? = nil, batchSize: Int
  ) {
    self.run = run
    self.mode = mode
    self.dataset = dataset
    self.batchSize = batchSize
    copiesAhead = run.model.prefetcher?.isWorthwhile(dataset) ?? false
    self.order = .allocate(capacity: dataset.count)
    if let order {
      _ = self.order.initialize(from: order)
    } else {
      _ = self.order.initialize(from: 0..<Int64(dataset.count))
    }
  }

  deinit {
    model.prefetcher?.wait()
    order.deallocate()
  }

  /// Runs one step on this rank's share of batch `index`.
  func run(_ index: Int) throws {
    defer { if mode == .train { model.trainedSteps += 1 } }
    let rows = enter(index)
    if mode == .train, !rows.isEmpty { model.statistics.stepsWithRows += 1 }
    let step = try step(rows: rows.count, globalRows: globalRows(of: index))
    guard let plan = step.plan, let prefetcher = model.prefetcher else {
      return try run.guarding(step) { try step.run(dataset, rows: rows) }
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
    // Another shape, and another kind of step, has another plan, which may not be there yet.
    if copiesAhead, (index + 1) * batchSize < order.count,
      globalRows(of: index + 1) == globalRows(of: index),
      mode != .train || model.optimizer?.changesKind != true
    {
      let next = share(of: index + 1)
      if next.count == rows.count {
        ahead = (index + 1, plan, 1 - buffer)
        prefetcher.start(dataset, plan, buffer: 1 - buffer, rows: next)
      }
    }
    try run.guarding(step) { try plan.run(buffer: buffer) }
  }

  /// The predictions for this rank's share of batch `index`, the step that makes them, and the number of samples.
  func predict(_ index: Int) throws -> (step: PreparedStep, rows: Int, outputs: [Tensor]) {
    let rows = enter(index)
    let step = try step(rows: rows.count, globalRows: globalRows(of: index))
    return (step, rows.count, try step.predict(dataset, rows: rows))
  }

  /// How many batches there are.
  var count: Int { (order.count + batchSize - 1) / batchSize }

  /// How many samples batch `index` has over all ranks.
  func globalRows(of index: Int) -> Int { min(batchSize, order.count - index * batchSize) }

  /// Notes the step, and gives this rank's samples of it.
  private func enter(_ index: Int) -> UnsafeBufferPointer<Int64> {
    run.enter(step: index)
    model.sharePlace?.set(globalRows: globalRows(of: index))
    return share(of: index)
  }

  private func share(of index: Int) -> UnsafeBufferPointer<Int64> {
    let range = Sharding.slice(
      start: index * batchSize, count: globalRows(of: index), rank: model.communicator.rank,
      size: model.communicator.size)
    return UnsafeBufferPointer(rebasing: order[range])
  }

  /// A step that ran a moment ago when it fits again: nothing is looked up in a steady state.
  ///
  /// A call that a callback makes in between may have had the model's modules exchanged.
  private func step(rows: Int, globalRows: Int) throws -> PreparedStep {
    let shape = BatchShape(
      rows: rows, globalRows: globalRows, looks: model.nonFinite.looks,
      accumulates: mode == .train && model.accumulates)
    if !recent.contains(where: { $0.step === model.steps.latest }) { recent.removeAll() }
    if let known = recent.first(where: { $0.shape == shape }) { return known.step }
    let step = try model.step(mode, dataset, rows: rows, globalRows: globalRows)
    recent.append((shape, step))
    return step
  }
}
