import Foundation

/// Two machines for tests, made of network namespaces of Linux with a cable (veth) between them: each has an address, a host name,
/// shared memory and processes of its own; files are the same. mpirun starts ranks there by ``agent``, as it does by ssh elsewhere.
///
/// Only root may make them. They are gone when the object is, and so are all processes in them; those of a test that was killed are removed by
/// the next.
public final class TwoHosts: Sendable {
  /// One of the machines.
  public struct Host: Sendable {
    /// Its address, by which `--hosts` names it.
    public let address: String
    /// Its host name.
    public let name: String
    fileprivate let namespace: String
    fileprivate let device: String
  }

  /// Where the launcher is started.
  public let first: Host
  /// The other one.
  public let second: Host
  /// What mpirun calls instead of ssh, as `plm_rsh_agent`.
  public let agent: String
  private let folder: String

  /// Whether this process may make them here, and has the tools to.
  public static let arePermitted: Bool = {
    guard geteuid() == 0, (try? TwoHosts()) != nil else { return false }
    return true
  }()

  /// Makes the machines.
  ///
  /// - Throws: an error with what the tools said.
  public init() throws {
    Self.removeLeftBehind()
    let id = "apus-\(getpid())-\(UInt16.random(in: .min ... .max))"
    first = Host(
      address: "10.77.1.1", name: "node-a", namespace: id + "-a", device: "apus-a")
    second = Host(
      address: "10.77.1.2", name: "node-b", namespace: id + "-b", device: "apus-b")
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(id).path
    agent = folder + "/agent"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let hosts = [first, second]
    let cases = hosts.map { "\($0.address)) ns=\($0.namespace); name=\($0.name) ;;" }
    // As ssh: the words after the host are a line for a shell.
    let script = """
      #!/bin/sh
      host=$1; shift
      case $host in
        \(cases.joined(separator: "\n  "))
        *) echo "ssh: cannot reach $host" >&2; exit 255 ;;
      esac
      exec \(Self.enter("$ns", name: "$name")) sh -c "$*"
      """
    do {
      try script.write(toFile: agent, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: agent)
      let lines =
        hosts.map { "ip netns add \($0.namespace) && ip -n \($0.namespace) link set lo up" } + [
          "ip link add \(first.device) netns \(first.namespace) type veth "
            + "peer name \(second.device) netns \(second.namespace)"
        ]
        + hosts.map {
          "ip -n \($0.namespace) addr add \($0.address)/24 dev \($0.device) && "
            + "ip -n \($0.namespace) link set \($0.device) up"
        }
      try Self.shell(lines.joined(separator: " && "))
    } catch {
      remove()
      throw error
    }
  }

  deinit { remove() }

  /// The words in front of a command that run it on `host`.
  public func enter(_ host: Host) -> [String] {
    ["/bin/sh", "-c", "exec \(Self.enter(host.namespace, name: host.name)) \"$@\"", "sh"]
  }

  /// Takes the cable out of a host, or puts it back.
  public func setLink(of host: Host, isUp: Bool) throws {
    // Its address stays, and the way to it comes back with the cable.
    try Self.shell("ip -n \(host.namespace) link set \(host.device) \(isUp ? "up" : "down")")
  }

  /// The processes on a host.
  public func processes(of host: Host) throws -> [pid_t] {
    try Self.shell("ip netns pids \(host.namespace)").split(whereSeparator: \.isWhitespace)
      .compactMap { pid_t($0) }
  }

  /// Sends a signal to all processes of a host, until no new one comes.
  public func signal(_ number: Int32, all host: Host) throws {
    var known: Set<pid_t> = []
    while true {
      let new = try processes(of: host).filter { !known.contains($0) }
      if new.isEmpty { return }
      for process in new { kill(process, number) }
      known.formUnion(new)
    }
  }

  private func remove() {
    for host in [first, second] { Self.remove(host.namespace) }
    try? FileManager.default.removeItem(atPath: folder)
  }

  private static func enter(_ namespace: String, name: String) -> String {
    "ip netns exec \(namespace) unshare --uts --mount "
      + "sh -c 'hostname '\(name)'; mount -t tmpfs none /dev/shm; exec \"$@\"' sh"
  }

  private static func remove(_ namespace: String) {
    _ = try? shell(
      "for p in $(ip netns pids \(namespace)); do kill -9 $p; done; ip netns del \(namespace)")
  }

  /// Removes what processes have made that no longer run.
  private static func removeLeftBehind() {
    for line in ((try? shell("ip netns list")) ?? "").split(separator: "\n") {
      guard let match = line.prefixMatch(of: /(apus-(\d+)-\d+-[ab])\b/),
        let process = pid_t(match.2), kill(process, 0) != 0, errno == ESRCH
      else { continue }
      remove(String(match.1))
    }
  }

  /// What a tool said that failed.
  public struct Failure: Error, CustomStringConvertible {
    /// The line and its output.
    public let description: String
  }

  @discardableResult
  private static func shell(_ line: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", line]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self)
    guard process.terminationStatus == 0 else { throw Failure(description: "\(line): \(text)") }
    return text
  }
}
