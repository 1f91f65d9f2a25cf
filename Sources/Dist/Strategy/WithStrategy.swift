import Foundation
import Tensors

/// What joins the ranks of a training.
public enum StrategyKind: Hashable, Sendable {
  /// One process, which is rank 0 of 1.
  case single
  /// The processes of an MPI job; one process when started neither by mpirun nor by srun.
  case mpi
  /// This many threads of one process.
  case threads(Int)
}

/// Runs `body` on every rank of a strategy, which is in force inside it as
/// ``/Engine/DistributionContext/strategy``.
///
/// ```swift
/// try withStrategy(.mpi) {
///   let model = Model(module: MLP(), loss: MeanSquaredError(), optimizer: Adam())
///   try model.fit(x: images, y: labels, batchSize: 128)
/// }
/// ```
///
/// - `.single`: `body` runs here, and its errors are thrown. (Inside another strategy ``/Engine/alone(_:)`` does the same
///   for a part of one rank's work.)
/// - `.mpi`: every process runs `body`, and a normal return ends MPI in it (so this can be done once
///   in a process; inside a running session it can be nested). An error ends the job with exit code 1. One that all
///   ranks have is printed once, as `Error: message`; that of one rank as `[rank 3/8] message`, and the job is aborted,
///   since others may be waiting for it.
///   A program that no launcher started is a single process, and errors are thrown.
/// - `.threads(n)`: `body` runs on n new threads, which see no task-local values from outside. The
///   result is rank 0's. When a rank throws, others that wait for it throw too, and the error that
///   came first is thrown here.
///
/// A failed operation (a wrong shape) outside ``/Engine/withErrors(_:)``, `fit` and `jit` ends the program at once, with all
/// its ranks: nothing goes on with a tensor that has no right values.
///
/// `body` is `@Sendable` because ranks that are threads run it side by side: what it trains must be
/// made inside it.
///
/// - Parameters:
///   - kind: what joins the ranks.
///   - lossScaling: how losses are scaled before gradients are summed.
///   - gradientReduction: how gradients are added over ranks; in buckets whose size suits the ranks unless given.
///   - body: what each rank does.
/// - Returns: what `body` gives; of several threads rank 0's.
/// - Throws: the error of `body`, or a ``DistError``.
public func withStrategy<R>(
  _ kind: StrategyKind, lossScaling: LossScaling = .replicas,
  gradientReduction: any GradientReduction = BucketedAllReduce(), _ body: @Sendable () throws -> R
) throws -> R {
  switch kind {
  case .single:
    return try runHere(lossScaling, body)
  case .mpi:
    guard let launch = Launch.detect(in: ProcessInfo.processInfo.environment) else {
      return try runHere(lossScaling, body)
    }
    return try runUnderMPI(launch, lossScaling, gradientReduction, body)
  case .threads(let count):
    return try runOnThreads(count, lossScaling, gradientReduction, body)
  }
}

private func runHere<R>(_ lossScaling: LossScaling, _ body: () throws -> R) throws -> R {
  guard let journal = RankState.beginAlone() else {
    return try DistributionContext.$strategy.withValue(SingleProcess(lossScaling: lossScaling)) {
      try body()
    }
  }
  let strategy = SingleProcess(lossScaling: lossScaling, journal: journal)
  let result = try DistributionContext.$strategy.withValue(strategy) { try body() }
  RankState.leave()
  return result
}

private func runUnderMPI<R>(
  _ launch: Launch, _ lossScaling: LossScaling, _ gradientReduction: any GradientReduction,
  _ body: () throws -> R
) throws -> R {
  let isNested = MPISession.current != nil
  let session: MPISession
  do {
    session = try MPISession.start(launch)
  } catch .sessionEnded {
    // MPI has ended in this process, so there is no job left to abort.
    throw DistError.sessionEnded
  } catch {
    MPISession.abortJob(message: error.description, code: 1)
  }
  ComputeThreads.share(amongRanks: session.localSize)
  let strategy = MPIStrategy(
    session: session, lossScaling: lossScaling, gradientReduction: gradientReduction)
  if isNested {
    return try DistributionContext.$strategy.withValue(strategy) { try body() }
  }
  do {
    // An error that is kept until the end of the body would let other ranks wait for this one.
    let result = try DistributionContext.$strategy.withValue(strategy) { try endingOnErrors(body) }
    try session.finish()
    return result
  } catch {
    session.end(failedWith: error)
  }
}
