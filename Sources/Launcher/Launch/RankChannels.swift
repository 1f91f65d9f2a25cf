import Dist
import Foundation

/// Where the ranks on this machine write, each by itself, so that their lines can be told apart: mpirun mixes what ranks
/// write within lines and characters.
///
/// A rank gets a terminal for its output, as mpirun gives it one, because programs write line by line to a terminal only,
/// and a pipe for its errors.
final class RankChannels {
  /// What a rank writes to.
  struct Channel {
    var rank: Int
    var isError: Bool
    var descriptor: Int32
  }

  /// Holds a name for each channel.
  let folder: String
  private(set) var channels: [Channel] = []

  /// Channels for ranks 0 ..< `ranks`; nil when the system has not as many.
  init?(ranks: Int) {
    let pattern = FileManager.default.temporaryDirectory.appendingPathComponent("apus-XXXXXX").path
    guard let name = strdup(pattern) else { return nil }
    defer { free(name) }
    guard mkdtemp(name) != nil else { return nil }
    folder = String(cString: name)
    guard
      (try? Self.machine.write(toFile: folder + "/machine", atomically: false, encoding: .utf8))
        != nil
    else { return nil }
    for rank in 0..<ranks {
      let errors = Self.errorPath(folder, rank: "\(rank)")
      guard let terminal = Self.makeTerminal(Self.outputPath(folder, rank: "\(rank)")) else {
        return nil
      }
      channels.append(Channel(rank: rank, isError: false, descriptor: terminal))
      // Open for writing here too: the pipe stays open when a rank closes it.
      guard mkfifo(errors, 0o600) == 0 else { return nil }
      let pipe = open(errors, O_RDWR | O_NONBLOCK | O_CLOEXEC)
      guard pipe >= 0 else { return nil }
      channels.append(Channel(rank: rank, isError: true, descriptor: pipe))
    }
  }

  deinit { remove() }

  /// Takes the channels away.
  func remove() {
    for channel in channels { close(channel.descriptor) }
    channels = []
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Whether `folder` was made on this machine.
  static func areHere(_ folder: String) -> Bool {
    (try? String(contentsOfFile: folder + "/machine", encoding: .utf8)) == machine
  }

  /// What no other machine has: its name, and a number that Linux draws when it starts.
  private static var machine: String {
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    return ProcessInfo.processInfo.hostName + " " + (boot ?? "")
  }

  static func outputPath(_ folder: String, rank: String) -> String { "\(folder)/out.\(rank)" }
  static func errorPath(_ folder: String, rank: String) -> String { "\(folder)/err.\(rank)" }

  static func statePath(_ folder: String, rank: String) -> String { "\(folder)/state.\(rank)" }

  /// Where a rank last was; nil when it has not said so.
  func place(of rank: Int) -> String? {
    RankState.read(Self.statePath(folder, rank: "\(rank)"))
  }

  /// Reads what is there; nil when nothing is.
  func read(_ channel: Channel, into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    let count = Foundation.read(channel.descriptor, buffer.baseAddress, buffer.count)
    return count > 0 ? count : nil
  }

  /// A terminal that passes bytes on as they are.
  ///
  /// - Parameter link: a name for the end that a rank opens.
  /// - Returns: the end to read from.
  private static func makeTerminal(_ link: String) -> Int32? {
    // The other end is kept open: without it reading would fail between two programs of a rank.
    var (terminal, other): (Int32, Int32) = (-1, -1)
    guard openpty(&terminal, &other, nil, nil, nil) == 0 else { return nil }
    var settings = termios()
    guard tcgetattr(other, &settings) == 0, let name = ttyname(other), symlink(name, link) == 0
    else {
      close(terminal)
      close(other)
      return nil
    }
    cfmakeraw(&settings)
    tcsetattr(other, TCSANOW, &settings)
    for end in [terminal, other] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(terminal, F_SETFL, O_NONBLOCK)
    return terminal
  }
}
