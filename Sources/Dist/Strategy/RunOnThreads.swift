import Tensors

/// Runs `body` on `count` new threads, each a rank, and returns rank 0's result.
///
/// - `perNode`: how many of them count as the ranks of a node, for tests; all, unless given.
/// - Throws: the error of the rank that failed first.
package func runOnThreads<R>(
  _ count: Int, perNode: Int? = nil, _ lossScaling: LossScaling = .replicas,
  _ gradientReduction: any GradientReduction = BucketedAllReduce(),
  _ body: @Sendable () throws -> R
) throws -> R {
  let world = try ThreadWorld(size: count, perNode: perNode)
  let outcome = Outcome<R>()
  // Each rank goes on with the seeds of modules from here, and rank 0's are where the caller goes on.
  let seeds = (0..<count).map { _ in ModuleSeeds.current.copy() }
  // Threads see no task-local values from outside.
  let keepsErrors = keepsErrors
  withoutActuallyEscaping(body) { body in
    var threads: [RankThread] = []
    for rank in 0..<count {
      do throws(DistError) {
        threads.append(
          try RankThread {
            ModuleSeeds.$current.withValue(seeds[rank]) {
              runRank(rank, of: world, lossScaling, gradientReduction, body, outcome, keepsErrors)
            }
          })
      } catch {
        world.fail(rank, error)
        world.leave(rank)
      }
    }
    for thread in threads { thread.join() }
  }
  ModuleSeeds.current.resume(from: seeds[0])
  if let error = world.firstError { throw error }
  guard let result = outcome.result else {
    // Rank 0 either left a result or an error.
    fatalError("withStrategy(.threads): rank 0 ended without a result")
  }
  return result
}

private func runRank<R>(
  _ rank: Int, of world: ThreadWorld, _ lossScaling: LossScaling,
  _ gradientReduction: any GradientReduction, _ body: @Sendable () throws -> R,
  _ outcome: Outcome<R>, _ keepsErrors: Bool
) {
  let communicator = ThreadCommunicator(world: world, rank: rank)
  let strategy = ThreadStrategy(
    communicator: communicator, lossScaling: lossScaling,
    gradientReduction: gradientReduction)
  do {
    let result = try DistributionContext.$strategy.withValue(strategy) {
      let abort: ProgramEnd.AbortJob = { communicator.abort(message: $0, code: 1) }
      return try ProgramEnd.$abortRanks.withValue(world.size > 1 ? abort : nil) {
        keepsErrors ? try withErrors(body) : try body()
      }
    }
    if rank == 0 { outcome.result = result }
  } catch {
    world.fail(rank, error)
  }
  world.leave(rank)
}

/// Carries rank 0's result out of its thread.
///
/// `@unchecked Sendable`: written once by the thread of rank 0 and read after that thread was
/// joined. A result that is not Sendable was made inside a `@Sendable` body, which can reach nothing
/// that another thread reaches too.
private final class Outcome<R>: @unchecked Sendable {
  var result: R?
}
