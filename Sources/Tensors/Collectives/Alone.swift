/// Runs `body` on this rank alone, whatever the others do.
///
/// A model works in it as one process, also one that was made with several ranks: `evaluate`, `predict` and `fit` wait for
/// nobody, and see all samples they are given. Outside, they need every rank, and a rank that calls them alone waits for
/// ever.
///
/// ```swift
/// try withStrategy(.mpi) {
///   ...
///   try model.fit(x: images, y: labels)
///   if model.isChief {
///     try model.saveWeights(to: "model.safetensors")
///     print(try alone { try model.evaluate(x: test.images, y: test.labels) })
///   }
/// }
/// ```
///
/// What is trained in it stays on this rank: ranks whose weights differ go on to differ.
///
/// - Throws: what `body` throws.
public func alone<R>(_ body: () throws -> R) rethrows -> R {
  let outer = DistributionContext.strategy
  let single = SingleProcess(lossScaling: outer.lossScaling)
  func run() throws -> R {
    try DistributionContext.$strategy.withValue(single, operation: body)
  }
  // Others may wait for this rank as long as it likes.
  guard let journal = outer.communicator.journal else { return try run() }
  return try journal.alone(run)
}
