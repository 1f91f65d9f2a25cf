import Tensors

/// The steps that were compiled for a model, up to a limit: the one that has not been used for longest makes room.
struct StepCache {
  private struct Entry {
    let key: StepKey
    /// The form of the data.
    let dataset: Dataset
    let step: PreparedStep
    var lastUse: Int
  }

  private var entries: [Entry] = []
  private var clock = 0
  /// The step that was asked for or kept last; nil when there is none.
  private(set) var latest: PreparedStep?

  /// The step for batches of this data, which counts as used now; nil when there is none.
  mutating func step(for key: StepKey, _ dataset: Dataset) -> PreparedStep? {
    guard let index = index(key, dataset) else { return nil }
    clock += 1
    entries[index].lastUse = clock
    latest = entries[index].step
    return latest
  }

  /// Keeps a step, and no more than `limit` of them. The data must not have rows, which would be kept too.
  mutating func keep(_ step: PreparedStep, for key: StepKey, _ dataset: Dataset, limit: Int) {
    clock += 1
    if let index = index(key, dataset) { entries.remove(at: index) }
    while entries.count >= max(limit, 1),
      let oldest = entries.indices.min(by: { entries[$0].lastUse < entries[$1].lastUse })
    {
      entries.remove(at: oldest)
    }
    entries.append(Entry(key: key, dataset: dataset, step: step, lastUse: clock))
    latest = step
  }

  mutating func removeAll() {
    entries.removeAll()
    latest = nil
  }

  private func index(_ key: StepKey, _ dataset: Dataset) -> Int? {
    entries.firstIndex { $0.key == key && $0.dataset.isLike(dataset) }
  }
}
