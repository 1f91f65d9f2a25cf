import Tensors
import Testing

/// Expects `body` to throw an error whose text contains `part`.
package func expectError(
  _ part: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  do {
    try withErrors { try body() }
    Issue.record("no error; expected \"\(part)\"", sourceLocation: sourceLocation)
  } catch {
    #expect("\(error)".contains(part), sourceLocation: sourceLocation)
  }
}
