import Dist
import TestSupport
import Testing

@Suite("Training on ranks that are threads", .timeLimit(.minutes(5)))
struct ThreadTrainingTests {
  @Test("gives what one process gives", arguments: TrainingCheck.all, [1, 2, 3, 4])
  func training(check: TrainingCheck, size: Int) throws {
    try withStrategy(.threads(size)) { try check.run() }
  }
}
