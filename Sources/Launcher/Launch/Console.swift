import Foundation

/// What the command says to people.
enum Console {
  /// A line on standard error, marked as this command's.
  static func note(_ text: String) {
    FileHandle.standardError.write(Data("apus: \(text)\n".utf8))
  }

  /// A line on standard output.
  static func print(_ text: String) {
    // Progress bars may have written through C's buffer.
    fflush(nil)
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }

  /// Characters in a row of the terminal that is standard output; nil when it is none.
  static var terminalWidth: Int? {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    var size = winsize()
    let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }

  /// Gives the terminal that mpirun made for this rank the width of the one that people look at.
  static func setTerminalWidth(_ columns: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 else { return }
    size.ws_col = UInt16(clamping: columns)
    _ = ioctl(STDOUT_FILENO, UInt(TIOCSWINSZ), &size)
  }
}
