import Engine
import Dist
import Synchronization
import TestSupport
import Testing

@Suite("Ranks that are threads and differ", .timeLimit(.minutes(5)))
struct ThreadDifferenceTests {
  @Test("say so in the same words", arguments: Difference.all, [2, 5])
  func difference(_ difference: Difference, size: Int) throws {
    let texts = Mutex<[String]>([])
    // What ranks have done differently is thrown here too, although each has caught it.
    try? withStrategy(.threads(size)) {
      do {
        try withErrors { try difference.run() }
      } catch {
        texts.withLock { $0.append("\(error)") }
      }
    }
    let found = texts.withLock { $0 }
    #expect(found.count == size, "\(found)")
    #expect(Set(found).count == 1, "\(Set(found))")
    for word in difference.words { #expect(found[0].contains(word), "\(found[0])") }
  }
}
