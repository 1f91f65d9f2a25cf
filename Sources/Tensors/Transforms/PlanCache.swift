/// The plans of a jitted function: one for each form and shape of its arguments, and for each state of the modules that
/// it depends on. The plan that has not been used for longest makes room for a new one.
struct PlanCache {
  /// A plan with what is known of it.
  struct Entry {
    let plan: Plan
    /// The form of the result.
    let result: Structure
    /// The arguments that it was made for: their form, without their memory.
    fileprivate let arguments: Structure
    fileprivate let number: Int
    let reason: String
    fileprivate let duration: Duration
    fileprivate var uses = 0
    fileprivate var lastUse = 0
  }

  /// How many plans are kept.
  let limit: Int
  /// The memory of all plans.
  private let arena = Arena()
  /// In the order in which they were made.
  private var entries: [Entry] = []
  /// How often the function has been compiled.
  private(set) var compiled = 0
  /// The arguments of plans that made room, the last ones only.
  private var discarded: [Structure] = []
  private var clock = 0

  init(limit: Int) { self.limit = max(1, limit) }

  /// The number of plans.
  var count: Int { entries.count }

  /// The plan for arguments like these that fits the modules' state, which counts as used now; nil when there is none.
  mutating func entry(for arguments: Structure) -> Entry? {
    let found = entries.firstIndex {
      $0.arguments.isLike(arguments) && $0.plan.graph.guards.allSatisfy { $0.holds() }
    }
    return found.map { use($0) }
  }

  /// A new plan for these arguments, made by `compile`.
  mutating func entry(
    for arguments: Structure, compiling compile: (Arena) throws -> (plan: Plan, result: Structure)
  ) throws -> Entry {
    let reason = reason(arguments)
    var fresh: (plan: Plan, result: Structure)?
    let duration = try ContinuousClock().measure { fresh = try compile(arena) }
    guard let fresh else { fatalError("compiling gave nothing") }
    if count >= limit { discardOldest() }
    compiled += 1
    // The form is kept, and not the memory of the first arguments.
    entries.append(
      Entry(
        plan: fresh.plan, result: fresh.result.map { .zeros($0.shape, dtype: $0.dtype) },
        arguments: arguments.map { .zeros($0.shape, dtype: $0.dtype) }, number: compiled,
        reason: reason, duration: duration))
    return use(entries.count - 1)
  }

  private mutating func use(_ index: Int) -> Entry {
    clock += 1
    entries[index].uses += 1
    entries[index].lastUse = clock
    return entries[index]
  }

  private mutating func discardOldest() {
    guard let oldest = entries.indices.min(by: { entries[$0].lastUse < entries[$1].lastUse }) else {
      return
    }
    discarded.append(entries.remove(at: oldest).arguments)
    if discarded.count > limit { discarded.removeFirst() }
  }

  /// Why there is no plan.
  private func reason(_ arguments: Structure) -> String {
    let known = entries.filter { $0.arguments.isLike(arguments) }
    if let last = known.max(by: { $0.lastUse < $1.lastUse }),
      let broken = last.plan.graph.guards.first(where: { !$0.holds() })
    {
      return "\(broken.describe) no longer holds"
    }
    if discarded.contains(where: { $0.isLike(arguments) }) {
      return "its plan was discarded to make room"
    }
    guard let previous = entries.max(by: { $0.lastUse < $1.lastUse }) else { return "first call" }
    guard previous.arguments.form == arguments.form else {
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
    let before = previous.arguments.tensors.map(\.spec)
    let changes = zip(arguments.leaves, before).filter { $0.tensor.spec != $1 }
    return changes.map { "argument \($0.path.pathDescription) was \($1), is \($0.tensor.spec)" }
      .joined(separator: "; ")
  }
}

extension PlanCache: CustomStringConvertible {
  /// One line a plan, in the order in which they were made.
  var description: String { entries.map(\.description).joined(separator: "\n") }
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
