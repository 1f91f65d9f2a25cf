import Dist
import TestSupport
import Testing

@Suite("Callbacks on ranks that are threads", .timeLimit(.minutes(5)))
struct ThreadCallbackTests {
  @Test("do what they do in one process, and rank 0 alone writes", arguments: CallbackCheck.all)
  func callback(check: CallbackCheck) throws {
    try withStrategy(.threads(3)) { try check.run() }
  }
}
