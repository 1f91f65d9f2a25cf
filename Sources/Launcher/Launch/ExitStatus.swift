import Foundation

/// How a process ended, as `waitpid` says it.
package struct ExitStatus: Codable, Equatable, Sendable {
  /// The code that it ended with; nil when a signal ended it.
  package var exitCode: Int32?
  /// The signal that ended it.
  package var signal: Int32?

  package init(_ status: Int32) {
    let number = status & 0x7f
    (exitCode, signal) = number == 0 ? ((status >> 8) & 0xff, nil) : (nil, number)
  }

  /// The exit code that a shell would give.
  package var code: Int32 { signal.map { 128 + $0 } ?? exitCode ?? 0 }

  /// `was ended by signal 9 (Killed)` or `ended with exit code 3`
  package var text: String {
    signal.map { "was ended by signal \($0) (\(Self.name(ofSignal: $0)))" }
      ?? "ended with exit code \(code)"
  }

  /// The system's name of a signal: `Killed`.
  package static func name(ofSignal number: Int32) -> String {
    strsignal(number).map { String(cString: $0) } ?? "unknown"
  }
}
