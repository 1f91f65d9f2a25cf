import Tensors
import Testing

/// Modules without a seed get the same ones at every run of a test, whatever other tests run beside it.
public struct Seeded: SuiteTrait, TestTrait, TestScoping {
  /// Each test of a suite begins anew.
  public var isRecursive: Bool { true }

  /// Runs a test with a sequence of seeds of its own.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await ModuleSeeds.$current.withValue(ModuleSeeds(seed: 42)) { try await function() }
  }
}

extension Trait where Self == Seeded {
  /// Modules without a seed get the same ones at every run.
  public static var seeded: Seeded { Seeded() }
}
