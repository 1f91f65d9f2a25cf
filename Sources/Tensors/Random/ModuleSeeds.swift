import Synchronization

/// The seeds of modules that nobody gives one: a sequence that is the same at every run.
///
/// Each outermost module takes the next one when it first needs it. Ranks that are threads have sequences of their own, so
/// that what one rank does first does not change what another one gets.
package final class ModuleSeeds: Sendable {
  /// The sequence of the running code: one for the process, and one for each rank that is a thread.
  @TaskLocal package static var current = ModuleSeeds(seed: 42)

  private let generator: Mutex<SplitMix64>

  private init(_ generator: SplitMix64) { self.generator = Mutex(generator) }

  /// The sequence that ``setSeed(_:)`` begins.
  package convenience init(seed: UInt64) { self.init(SplitMix64(state: seed)) }

  /// The next seed of the sequence, for an outermost module.
  package func next() -> UInt64 { generator.withLock { $0.next() } }

  /// Begins the sequence anew, from `seed`.
  package func restart(seed: UInt64) { generator.withLock { $0 = SplitMix64(state: seed) } }

  /// A sequence that goes on from where this one is.
  package func copy() -> ModuleSeeds { ModuleSeeds(generator.withLock { $0 }) }

  /// Goes on from where another one is.
  package func resume(from other: ModuleSeeds) {
    let state = other.generator.withLock { $0 }
    generator.withLock { $0 = state }
  }
}

/// Begins the sequence of seeds for modules that are given none (`keras.utils.set_random_seed`, `torch.manual_seed`).
///
/// Modules that stand alone are different from each other: each takes the next seed of the sequence when it first draws
/// something, an initial value or a random key. Without this call the sequence is that of 42; it is the same at every run,
/// and on every rank as long as all ranks use the same modules first. ``KerasLayer/seed`` and `Model(seed:)` give one module
/// a seed, whatever the sequence. Under ranks every rank must call it.
public func setSeed(_ seed: UInt64) { ModuleSeeds.current.restart(seed: seed) }
