import Tensors

/// The steps that were compiled for a model, up to a limit: the one that has not been used for longest makes room.
struct StepCache {
  private var entries: [StepKey: (step: Step, lastUse: Int)] = [:]
  private var clock = 0

  /// The number of steps.
  var count: Int { entries.count }

  /// The step for `key`, which counts as used now; nil when there is none.
  mutating func step(for key: StepKey) -> Step? {
    guard let step = entries[key]?.step else { return nil }
    clock += 1
    entries[key]?.lastUse = clock
    return step
  }

  /// Keeps a step, and no more than `limit` of them.
  mutating func keep(_ step: Step, for key: StepKey, limit: Int) {
    clock += 1
    entries[key] = nil
    while entries.count >= max(limit, 1),
      let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
    {
      entries[oldest] = nil
    }
    entries[key] = (step, clock)
  }

  mutating func removeAll() { entries.removeAll() }
}
