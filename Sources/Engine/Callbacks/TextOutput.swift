import Foundation
import Synchronization
import Tensors

/// A stream of text that knows whether its last line is complete, so that messages do not run into
/// a progress bar.
public final class TextOutput: Sendable {
  /// Whether control characters mean something there.
  public let isTerminal: Bool
  private let width: @Sendable () -> Int?
  private let sink: @Sendable (String) -> Void
  private let isMidLine = Mutex(false)

  /// A stream that gives its text to `sink`.
  ///
  /// - Parameters:
  ///   - isTerminal: whether text can be drawn over.
  ///   - columns: the width at the moment, in characters; nil when unknown.
  ///   - sink: takes each string that is written.
  public init(
    isTerminal: Bool = false, columns: @escaping @Sendable () -> Int? = { nil },
    sink: @escaping @Sendable (String) -> Void
  ) {
    self.isTerminal = isTerminal
    width = columns
    self.sink = sink
  }

  /// The program's standard output.
  public static let standardOutput = TextOutput(
    isTerminal: isatty(STDOUT_FILENO) == 1
      && isTerminalMeant(in: ProcessInfo.processInfo.environment),
    columns: terminalWidth,
    sink: { text in
      print(text, terminator: "")
      fflush(nil)
    })

  /// The width at the moment, in characters; nil when unknown.
  public var columns: Int? { width() }

  /// Writes `text` as it is.
  public func write(_ text: String) {
    guard let last = text.last else { return }
    isMidLine.withLock {
      sink(text)
      $0 = last != "\n"
    }
  }

  /// Writes a line of its own.
  public func line(_ text: String) {
    isMidLine.withLock {
      sink(($0 ? "\n" : "") + text + "\n")
      $0 = false
    }
  }
}

/// Whether a terminal on standard output is one that a person looks at.
///
/// mpirun gives every rank a terminal of its own, whatever becomes of the output behind it; `apus run` and `apus train`
/// say in `APUS_TERMINAL` that it is a terminal there as well.
package func isTerminalMeant(in environment: [String: String]) -> Bool {
  if environment["TERM"] == "dumb" { return false }
  let isRank = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].contains { environment[$0] != nil }
  return !isRank || environment["APUS_TERMINAL"] == "1"
}

private func terminalWidth() -> Int? {
  var size = winsize()
  guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
  return Int(size.ws_col)
}
