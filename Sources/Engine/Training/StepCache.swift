import Tensors

/// The steps that were compiled for a model, up to a limit: the one that has not been used for longest makes room.
struct StepCache {
  private var entries: [StepKey: (step: PreparedStep, lastUse: Int)] = [:]
  private var clock = 0
  /// The step that was asked for or kept last; nil when there is none.
  private(set) var latest: PreparedStep?

  /// The step for `key`, which counts as used now; nil when there is none.
  mutating func step(for key: StepKey) -> PreparedStep? {
    guard let step = entries[key]?.step else { return nil }
    clock += 1
    entries[key]?.lastUse = clock
    latest = step
    return step
  }

  /// Keeps a step, and no more than `limit` of them.
  mutating func keep(_ step: PreparedStep, for key: StepKey, limit: Int) {
    clock += 1
    entries[key] = nil
    while entries.count >= max(limit, 1),
      let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
    {
      entries[oldest] = nil
    }
    entries[key] = (step, clock)
    latest = step
  }

  mutating func removeAll() {
    entries.removeAll()
    latest = nil
  }
}
