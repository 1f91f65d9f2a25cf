import Dist
import Engine
import Foundation
import TestSupport

/// Checks of training, in one job: starting a job for each takes longer than they do. By hand, those named in `APUS_TRAINING_CHECKS` alone.
func runChecks(_ checks: [TrainingCheck]) throws {
  let communicator = DistributionContext.strategy.communicator
  let names = ProcessInfo.processInfo.environment["APUS_TRAINING_CHECKS"]?.split(separator: ",")
  let isAsked = { (name: String) in names.map { $0.contains { $0 == name } } ?? true }
  for check in checks where isAsked(check.name) {
    do {
      try check.run()
    } catch {
      throw CheckFailure("\(check.name): \(error)")
    }
    try communicator.barrier()
    if communicator.rank == 0 { print("passed: \(check.name)") }
  }
}
