import Engine
import Foundation

/// The nodes of a cluster: whether each can be reached, is like the others, and how fast they exchange data.
struct ClusterSection {
  /// What the command was asked for.
  struct Request: Sendable {
    var hosts: HostList
    /// A folder that all nodes are to share.
    var folder: String?
    /// Seconds that a node has for its first answer.
    var seconds: Int
  }

  private(set) var text = ""
  /// Whether every check has passed.
  private(set) var isHealthy = true

  static func make(_ request: Request, on machine: Machine) async -> ClusterSection {
    var cluster = ClusterSection()
    let checks = NodeCheck.all(request.hosts, on: machine, seconds: request.seconds)
    let own = NodeReport(
      version: Package.version, mpi: await mpiVersion(machine), kernels: KernelSet.description,
      hostName: machine.hostName, cores: machine.cores)
    cluster.add(nodes(checks, own))
    if request.folder != nil { cluster.add(folder(request, checks)) }
    cluster.add(await network(request, checks, own, on: machine))
    return cluster
  }

  private mutating func add(_ section: Section) {
    text += (text.isEmpty ? "" : "\n") + section.text
    isHealthy = isHealthy && !section.hasAdvice
  }

  private static func mpiVersion(_ machine: Machine) async -> String? {
    let output = try? await ChildProcess.output([machine.mpirun, "--version"], seconds: 10)
    return output.map { String($0.prefix { !$0.isNewline }) }
  }

  // MARK: - Nodes

  private static func nodes(_ checks: [NodeCheck], _ own: NodeReport) -> Section {
    var section = Section("Nodes")
    for check in checks { check.add(to: &section) }
    let first = checks.first { $0.report != nil }
    for check in checks {
      for advice in advice(check, first: first, own) {
        section.advise("\(check.name): \(advice)")
      }
    }
    return section
  }

  /// What is wrong with a node, and what to do.
  private static func advice(
    _ check: NodeCheck, first: NodeCheck?, _ own: NodeReport
  ) -> [String] {
    guard let report = check.report else {
      return [
        "\(check.failure ?? "no answer"); mpirun needs a login without a password, and this command at "
          + "\(ProgramStart.ownPath()) there"
      ]
    }
    var advice: [String] = []
    if report.version != own.version {
      advice.append(
        "has apus \(report.version), here is \(own.version); install the same one on all nodes")
    }
    if report.mpi != own.mpi {
      advice.append(
        "has \(report.mpi ?? "no mpirun in the PATH of a remote shell"), here is "
          + "\(own.mpi ?? "none"); ranks need the same Open MPI on all nodes, and its programs in PATH for "
          + "shells that are not interactive")
    }
    if let first, let reference = first.report, report.kernels != reference.kernels {
      advice.append(
        "computes with \(report.kernels), \(first.name) with \(reference.kernels): these round "
          + "differently; use nodes of one type where runs must have the same bits (\(KernelSet.variable) or "
          + "\(BLASLibrary.variable) may be set on one of them)")
    }
    if let clock = check.clock, abs(clock.offset) - clock.uncertainty > NodeCheck.clockLimit {
      advice.append(
        String(
          format: "its clock is %.1f s %@; let nodes set theirs by NTP (chrony)",
          abs(clock.offset), clock.offset > 0 ? "ahead" : "behind"))
    }
    return advice
  }

  // MARK: - Shared folder

  private static func folder(_ request: Request, _ checks: [NodeCheck]) -> Section {
    var section = Section("Shared folder")
    let folder = request.folder ?? ""
    let token = UUID().uuidString
    let answering = checks.compactMap { check in check.process.map { (check.name, $0) } }
    guard let writer = answering.first else {
      section.advise("\(folder): no node answers")
      return section
    }
    func ask(_ process: RemoteProcess, _ request: NodeRequest) -> NodeAnswer {
      do {
        return try process.ask(request, seconds: 20)
      } catch {
        return NodeAnswer(problem: (error as? RemoteProcess.Failure)?.message ?? "\(error)")
      }
    }
    // Each node writes a file; the others read that of the first.
    for (index, node) in answering.enumerated() {
      let path = "\(folder)/.apus-doctor-\(token)-\(index)"
      let written = ask(node.1, NodeRequest(kind: .write, path: path, text: token))
      if let problem = written.problem {
        section.advise(
          "\(node.0): \(folder) cannot be written: \(problem); mount it there, writable for this user"
        )
      } else {
        section.add(node.0, "writes \(folder)")
      }
    }
    let first = "\(folder)/.apus-doctor-\(token)-0"
    for node in answering.dropFirst() {
      // Network file systems may show a new file late.
      var answer = NodeAnswer()
      for attempt in 0..<20 where answer.text != token {
        if attempt > 0 { usleep(250_000) }
        answer = ask(node.1, NodeRequest(kind: .read, path: first))
      }
      if answer.text == token {
        section.add(node.0, "reads what \(writer.0) writes")
      } else {
        section.advise(
          "\(node.0): does not see what \(writer.0) has written to \(folder) "
            + "(\(answer.problem ?? "other contents")); it must be one folder of a file system that nodes share"
        )
      }
    }
    for (index, node) in answering.enumerated() {
      let path = "\(folder)/.apus-doctor-\(token)-\(index)"
      _ = ask(node.1, NodeRequest(kind: .remove, path: path))
    }
    return section
  }

  // MARK: - Network

  private static func network(
    _ request: Request, _ checks: [NodeCheck], _ own: NodeReport, on machine: Machine
  ) async -> Section {
    var section = Section("Network")
    // Another Open MPI would fail in pages.
    let reached = request.hosts.hosts.filter { host in
      checks.contains {
        $0.name == host.name && $0.report?.mpi == own.mpi && $0.report?.version == own.version
      }
    }.map { HostSlots(name: $0.name, slots: 1) }
    guard reached.count > 1 else {
      section.add("sums", "not measured: that needs two nodes that answer, with the same versions")
      return section
    }
    do {
      let report = try await measure(HostList(reached, origin: request.hosts.origin), machine)
      for pair in report.pairs {
        section.add("\(reached[0].name) - \(reached[pair.rank].name)", text(pair))
      }
      if reached.count > 2 { section.add("all \(reached.count) nodes", text(report.all)) }
    } catch {
      section.advise(
        "\(error)\n     let nodes reach each other on all TCP ports, or name the network: "
          + "OMPI_MCA_btl_tcp_if_include and OMPI_MCA_oob_tcp_if_include, such as 10.0.0.0/24")
    }
    return section
  }

  private static func measure(_ hosts: HostList, _ machine: Machine) async throws -> NetworkReport {
    let program = [ProgramStart.ownPath(), "doctor", "--probe", "network"]
    var job = MPIRunCommand.Job(ranks: hosts.slots, hosts: hosts, threads: 1, program: program)
    try job.place(on: machine)
    let command = MPIRunCommand(job, on: machine)
    let environment = Dictionary(
      uniqueKeysWithValues: command.environment.map { ($0.name, Optional($0.value)) })
    let output = try await ChildProcess.output(
      command.arguments, environment: environment, seconds: 60 + 2 * Double(hosts.slots))
    return try JSONText.decodeLastLine(output, as: NetworkReport.self)
  }

  private static func text(_ pair: NetworkReport.Pair) -> String {
    String(
      format: "sum of one number %.0f us, of %d MiB %.2f GB/s", pair.latency * 1e6,
      NetworkProbe.bytes >> 20, pair.bandwidth / 1e9)
  }
}
