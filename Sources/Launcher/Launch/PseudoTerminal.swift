import Foundation

/// A terminal without a screen, which passes bytes on as they are.
struct PseudoTerminal {
  /// Where to read what the program wrote, without waiting.
  let readEnd: Int32
  /// What the program writes to.
  let programEnd: Int32
  /// The name of that end.
  let name: String

  /// nil when the system has none left.
  init?() {
    var (read, program): (Int32, Int32) = (-1, -1)
    guard openpty(&read, &program, nil, nil, nil) == 0 else { return nil }
    var settings = termios()
    guard tcgetattr(program, &settings) == 0, let name = ttyname(program) else {
      close(read)
      close(program)
      return nil
    }
    cfmakeraw(&settings)
    tcsetattr(program, TCSANOW, &settings)
    for end in [read, program] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(read, F_SETFL, O_NONBLOCK)
    (readEnd, programEnd, self.name) = (read, program, String(cString: name))
  }
}
