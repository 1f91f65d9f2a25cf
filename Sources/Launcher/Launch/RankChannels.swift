import Dist
import Foundation

/// Where the ranks on this machine write, each by itself, so that their lines can be told apart: mpirun mixes what ranks
/// write within lines and characters.
///
/// A rank gets a terminal for its output, as mpirun gives it one, because programs write line by line to a terminal only,
/// and a pipe for its errors. A further pipe is for what the processes beside ranks say.
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
  /// The ends of terminals that ranks write to.
  private var terminals: [Int32] = []
  /// Where frames of ranks of this machine come; negative before and after.
  private(set) var events: Int32 = -1

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
    events = Self.makePipe(Self.eventPath(folder))
    guard events >= 0 else { return nil }
    for rank in 0..<ranks {
      let errors = Self.errorPath(folder, rank: "\(rank)")
      guard let terminal = makeTerminal(Self.outputPath(folder, rank: "\(rank)")) else {
        return nil
      }
      channels.append(Channel(rank: rank, isError: false, descriptor: terminal))
      let pipe = Self.makePipe(errors)
      guard pipe >= 0 else { return nil }
      channels.append(Channel(rank: rank, isError: true, descriptor: pipe))
    }
  }

  deinit { remove() }

  /// Takes the channels away.
  func remove() {
    for channel in channels { close(channel.descriptor) }
    for terminal in terminals { close(terminal) }
    if events >= 0 { close(events) }
    (channels, terminals, events) = ([], [], -1)
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Whether `folder` was made on this machine.
  static func areHere(_ folder: String) -> Bool {
    (try? String(contentsOfFile: folder + "/machine", encoding: .utf8)) == machine
  }

  /// What no other machine has: its name, a number that Linux draws when it starts, and of containers of one machine the spaces of processes
  /// and of the network.
  private static var machine: String {
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    let spaces = ["pid", "net"].map {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\($0)")) ?? ""
    }
    return ([ProcessInfo.processInfo.hostName, boot ?? ""] + spaces).joined(separator: " ")
  }

  static func outputPath(_ folder: String, rank: String) -> String { "\(folder)/out.\(rank)" }
  static func errorPath(_ folder: String, rank: String) -> String { "\(folder)/err.\(rank)" }

  static func statePath(_ folder: String, rank: String) -> String { "\(folder)/state.\(rank)" }

  static func eventPath(_ folder: String) -> String { folder + "/events" }

  /// A pipe with a name. It is open for writing here too, so that it stays open when a rank closes it.
  private static func makePipe(_ path: String) -> Int32 {
    guard mkfifo(path, 0o600) == 0 else { return -1 }
    return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
  }

  /// A terminal with a name for the end that a rank opens.
  ///
  /// - Returns: the end to read from.
  private func makeTerminal(_ link: String) -> Int32? {
    guard let pair = PseudoTerminal(), symlink(pair.name, link) == 0 else { return nil }
    // The other end is kept open: without it reading would fail between two programs of a rank.
    terminals.append(pair.programEnd)
    return pair.readEnd
  }
}
