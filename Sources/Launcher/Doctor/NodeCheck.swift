import Foundation
import Synchronization

/// A node that answers, or why it does not.
struct NodeCheck: Sendable {
  /// How far a clock is from this machine's.
  struct Clock: Sendable {
    /// Seconds ahead of this one.
    var offset: Double
    /// Seconds by which that may be wrong: half of the time that the question and the answer took.
    var uncertainty: Double
  }

  let name: String
  var process: RemoteProcess?
  var report: NodeReport?
  var clock: Clock?
  /// Why there is no report.
  var failure: String?

  /// Seconds that clocks may differ: times in logs and of files are compared over nodes.
  static let clockLimit = 1.0

  /// How many nodes are asked at once: each shell that begins takes time of this machine.
  private static let mostAtOnce = 64

  /// Asks all nodes side by side, each for `seconds` at most.
  static func all(_ hosts: HostList, on machine: Machine, seconds: Int) -> [NodeCheck] {
    let shell = RemoteShell(in: machine.variables, seconds: seconds)
    let command = [ProgramStart.ownPath(), "doctor", "--probe", "node"]
    let results = Mutex([NodeCheck?](repeating: nil, count: hosts.hosts.count))
    let group = DispatchGroup()
    let places = DispatchSemaphore(value: mostAtOnce)
    allowFiles()
    for (index, host) in hosts.hosts.enumerated() {
      group.enter()
      places.wait()
      // Threads of their own: each waits for another node.
      Thread.detachNewThread {
        let isHere = machine.isNamed(host.name) || ["localhost", "127.0.0.1"].contains(host.name)
        let words = shell.command(command, on: host.name, isHere: isHere)
        let check = NodeCheck(asking: host.name, by: words, seconds: Double(seconds))
        results.withLock { $0[index] = check }
        places.signal()
        group.leave()
      }
    }
    group.wait()
    return results.withLock { $0.compactMap(\.self) }
  }

  /// Lets this process have as many files as the system permits: each node that answers holds three.
  private static func allowFiles() {
    #if os(Linux)
      let files = __rlimit_resource_t(7)  // RLIMIT_NOFILE, whose type differs between C libraries
      var limit = rlimit()
      guard getrlimit(files, &limit) == 0 else { return }
      limit.rlim_cur = limit.rlim_max
      setrlimit(files, &limit)
    #endif
  }

  private init(asking name: String, by words: [String], seconds: Double) {
    self.name = name
    do {
      let process = try RemoteProcess(words)
      let line = try process.receive(seconds: seconds)
      report = try JSONText.decodeLastLine(line, as: NodeReport.self)
      clock = try Self.clock(of: process, seconds: seconds)
      self.process = process
    } catch let error as RemoteProcess.Failure {
      failure = error.message
    } catch {
      failure = "an answer that is none of apus \(Package.version)"
    }
    if failure != nil { report = nil }
  }

  /// The quickest of some questions tells most.
  private static func clock(of process: RemoteProcess, seconds: Double) throws -> Clock? {
    var best: Clock?
    for _ in 0..<9 {
      let begin = NodeProbe.now()
      let answer = try process.ask(NodeRequest(kind: .time), seconds: seconds)
      let end = NodeProbe.now()
      guard let there = answer.nanoseconds else { continue }
      let clock = Clock(
        offset: Double(there - begin / 2 - end / 2) * 1e-9, uncertainty: Double(end - begin) / 2e9)
      if clock.uncertainty < best?.uncertainty ?? .infinity { best = clock }
    }
    return best
  }

  /// `apus 0.1.0, mpirun (Open MPI) 4.1.4, x86-64-v4, OpenBLAS SkylakeX, 8 cores, clock +0.2 ms (within 0.1)`
  func add(to section: inout Section) {
    guard let report else { return section.add(name, "no answer") }
    var text = "apus \(report.version), \(report.mpi ?? "no mpirun"), \(report.kernels), "
    text += "\(report.cores) cores"
    if let clock {
      text += String(
        format: ", clock %+.1f ms (within %.1f)", clock.offset * 1e3, clock.uncertainty * 1e3)
    }
    section.add(name, text)
  }
}
