import Engine
import Foundation

/// What a node is: what `doctor --hosts` compares.
struct NodeReport: Codable, Sendable, Equatable {
  /// Of Apus.
  var version: String
  /// What `mpirun --version` says there, in the environment that a remote shell has; nil when it is not in `PATH`.
  var mpi: String?
  /// `KernelSet.description`.
  var kernels: String
  /// The node's own name.
  var hostName: String
  var cores: Int
}

/// What a node is asked to do, a line of JSON each, and what it answers.
struct NodeRequest: Codable, Sendable {
  enum Kind: String, Codable, Sendable {
    /// The time, in ``NodeAnswer/nanoseconds``.
    case time
    /// Write ``text`` to a new file.
    case write
    /// Read a file.
    case read
    /// Take a file away.
    case remove
  }

  var kind: Kind
  var path: String?
  var text: String?
}

/// The answer to a ``NodeRequest``.
struct NodeAnswer: Codable, Sendable {
  /// Since 1970.
  var nanoseconds: Int64?
  /// What a file holds.
  var text: String?
  /// Why it was not done.
  var problem: String?
}

/// `doctor --probe node`: says what this node is, and answers requests until its input ends.
enum NodeProbe {
  static func run() async throws {
    let version = try? await ChildProcess.output(["mpirun", "--version"], seconds: 10)
    let report = NodeReport(
      version: Package.version, mpi: version.map { String($0.prefix { !$0.isNewline }) },
      kernels: KernelSet.description, hostName: ProcessInfo.processInfo.hostName,
      cores: Machine.detect().cores)
    Console.print(try JSONText.encode(report))
    while let line = readLine() {
      let request = try JSONText.decodeLastLine(line, as: NodeRequest.self)
      Console.print(try JSONText.encode(answer(request)))
    }
  }

  private static func answer(_ request: NodeRequest) -> NodeAnswer {
    let path = request.path ?? ""
    switch request.kind {
    case .time: return NodeAnswer(nanoseconds: now())
    case .write:
      let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      guard file >= 0 else { return NodeAnswer(problem: systemReason(errno)) }
      let bytes = Array((request.text ?? "").utf8)
      let isDone = write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
      let code = errno
      return close(file) == 0 && isDone ? NodeAnswer() : NodeAnswer(problem: systemReason(code))
    case .read:
      let file = open(path, O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { return NodeAnswer(problem: systemReason(errno)) }
      defer { close(file) }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = read(file, &bytes, bytes.count)
      guard count >= 0 else { return NodeAnswer(problem: systemReason(errno)) }
      return NodeAnswer(text: String(decoding: bytes[..<count], as: UTF8.self))
    case .remove:
      return unlink(path) == 0 ? NodeAnswer() : NodeAnswer(problem: systemReason(errno))
    }
  }

  /// Nanoseconds since 1970.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
