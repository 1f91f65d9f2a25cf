import Dist
import Foundation
import TestSupport
import Testing

@Suite("Training on ranks that are threads", .timeLimit(.minutes(5)))
struct ThreadTrainingTests {
  @Test("gives what one process gives", arguments: checks, [1, 2, 3, 4])
  func training(check: TrainingCheck, size: Int) throws {
    try withStrategy(.threads(size)) { try check.run() }
  }

  @Test(
    "gives what one process gives with shares of any size",
    arguments: TrainingCheck.samples + TrainingCheck.normalization, [5, 16])
  func shares(check: TrainingCheck, size: Int) throws {
    try withStrategy(.threads(size)) { try check.run() }
  }

  /// All checks, or those named in `APUS_TRAINING_CHECKS`, for runs in which each takes minutes.
  private static let checks: [TrainingCheck] = {
    guard let names = ProcessInfo.processInfo.environment["APUS_TRAINING_CHECKS"] else {
      return TrainingCheck.all
    }
    return names.split(separator: ",").map { name in
      guard let check = TrainingCheck.all.first(where: { $0.name == name }) else {
        fatalError("APUS_TRAINING_CHECKS: there is no check \(name)")
      }
      return check
    }
  }()
}
