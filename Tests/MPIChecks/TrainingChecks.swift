import Dist
import Engine
import TestSupport

/// All checks of training, in one job: starting a job for each takes longer than they do.
func runTrainingChecks() throws {
  let communicator = DistributionContext.strategy.communicator
  for check in TrainingCheck.all {
    do {
      try check.run()
    } catch {
      throw CheckFailure("\(check.name): \(error)")
    }
    try communicator.barrier()
    if communicator.rank == 0 { print("passed: \(check.name)") }
  }
}
