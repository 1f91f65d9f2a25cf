/// The plans of a jitted function: one for each form and shape of its arguments, and for each state of the modules that
/// it depends on. The plan that has not been used for longest makes room for a new one.
struct PlanCache {
  /// A plan with what is known of it.
  struct Entry {
    let plan: Plan
    /// The form of the result.
    let result: Structure
    fileprivate let arguments: Structure
    fileprivate let key: Key
    fileprivate let number: Int
    let reason: String
    fileprivate let duration: Duration
    fileprivate var uses = 0
    fileprivate var lastUse = 0
  }

  fileprivate struct Key: Hashable {
    let form: String
    let specs: [TensorSpec]

    init(_ arguments: Structure, _ tensors: [Tensor]) {
      form = arguments.form
      specs = tensors.map(\.spec)
    }
  }

  /// How many plans are kept.
  let limit: Int
  /// The memory of all plans.
  private let arena = Arena()
  /// For each key the plans that differ in the modules' state.
  private var entries: [Key: [Entry]] = [:]
  /// How often the function has been compiled.
  private(set) var compiled = 0
  /// The keys of plans that made room, the last ones only.
  private var discarded: [Key] = []
  private var clock = 0
  private var lastKey: Key?

  init(limit: Int) { self.limit = max(1, limit) }

  /// The number of plans.
  var count: Int { entries.values.reduce(0) { $0 + $1.count } }

  /// The plan for arguments like these, made by `compile` where there is none.
  mutating func entry(
    for arguments: Structure, _ tensors: [Tensor],
    compile: (Arena) throws -> (plan: Plan, result: Structure)
  ) throws -> Entry {
    let key = Key(arguments, tensors)
    clock += 1
    let known = entries[key] ?? []
    let index: Int
    if let found = known.firstIndex(where: { $0.plan.graph.guards.allSatisfy { $0.holds() } }) {
      index = found
    } else {
      let reason = reason(key, arguments, known)
      var fresh: (plan: Plan, result: Structure)?
      let duration = try ContinuousClock().measure { fresh = try compile(arena) }
      guard let fresh else { fatalError("compiling gave nothing") }
      if count >= limit { discardOldest() }
      compiled += 1
      // The form is kept, and not the memory of the first arguments.
      let form = arguments.map { Tensor.zeros($0.shape, dtype: $0.dtype) }
      entries[key, default: []].append(
        Entry(
          plan: fresh.plan, result: fresh.result.map { .zeros($0.shape, dtype: $0.dtype) },
          arguments: form, key: key, number: compiled, reason: reason, duration: duration))
      index = (entries[key]?.count ?? 1) - 1
    }
    entries[key]?[index].uses += 1
    entries[key]?[index].lastUse = clock
    lastKey = key
    guard let entry = entries[key]?[index] else { fatalError("a plan has been lost") }
    return entry
  }

  private var all: [Entry] { entries.values.flatMap { $0 }.sorted { $0.number < $1.number } }

  private mutating func discardOldest() {
    guard let oldest = all.min(by: { $0.lastUse < $1.lastUse }) else { return }
    entries[oldest.key]?.removeAll { $0.number == oldest.number }
    if entries[oldest.key]?.isEmpty ?? false { entries[oldest.key] = nil }
    discarded.append(oldest.key)
    if discarded.count > limit { discarded.removeFirst() }
  }

  /// Why there is no plan.
  private func reason(_ key: Key, _ arguments: Structure, _ known: [Entry]) -> String {
    if let last = known.max(by: { $0.lastUse < $1.lastUse }),
      let broken = last.plan.graph.guards.first(where: { !$0.holds() })
    {
      return "\(broken.describe) no longer holds"
    }
    if discarded.contains(key) { return "its plan was discarded to make room" }
    guard let lastKey, let previous = entries[lastKey]?.max(by: { $0.lastUse < $1.lastUse }) else {
      return "first call"
    }
    guard previous.key.form == key.form else {
      let changes = zip(arguments.constants, previous.arguments.constants).filter {
        $0.path == $1.path && $0.value != $1.value
      }
      let hasOneForm = arguments.firstDifference(from: previous.arguments) == nil
      guard hasOneForm, !changes.isEmpty else {
        return "another form than plan \(previous.number)"
      }
      return changes.map { "argument \($0.path.pathDescription) was \($1.value), is \($0.value)" }
        .joined(separator: "; ")
    }
    let changes = zip(arguments.leaves, previous.key.specs).filter { $0.tensor.spec != $1 }
    return changes.map { "argument \($0.path.pathDescription) was \($1), is \($0.tensor.spec)" }
      .joined(separator: "; ")
  }
}

extension PlanCache: CustomStringConvertible {
  /// One line a plan, in the order in which they were made.
  var description: String { all.map(\.description).joined(separator: "\n") }
}

extension PlanCache.Entry: CustomStringConvertible {
  /// `plan 2 for [float32[3]]: 4 operations, compiled in 1.5 ms, used 3 times; compiled because ...`
  var description: String {
    let nanoseconds =
      duration.components.seconds * 1_000_000_000
      + duration.components.attoseconds / 1_000_000_000
    let milliseconds = Double(nanoseconds / 10_000) / 100
    return """
      plan \(number) for \(arguments.oneLine): \
      \(counted(plan.instructions.count, "operation")), compiled in \(milliseconds) ms, \
      used \(uses == 1 ? "once" : "\(uses) times"); compiled because: \(reason)
      """
  }
}
