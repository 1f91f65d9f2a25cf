import Synchronization

/// Counts how often anything was frozen, unfrozen, or set to training or inference, in this process: `fit` looks at the modes
/// of all modules again only when it has grown.
package enum ModeChanges {
  private static let counter = Atomic<Int>(0)

  package static var count: Int { counter.load(ordering: .relaxed) }

  package static func note() { counter.add(1, ordering: .relaxed) }
}
