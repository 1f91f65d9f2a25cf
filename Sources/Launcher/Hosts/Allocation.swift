import Engine
import Foundation

/// What a batch system has given to the job that this process is part of.
struct Allocation: Equatable, Sendable {
  /// Who gave it.
  enum System: String, Sendable {
    case slurm = "Slurm"
    case pbs = "PBS"
  }

  var system: System
  /// The number of the job.
  var job: String
  /// The nodes, and how many ranks (tasks) the job has asked for on each; nil when the environment does not say it.
  var hosts: HostList?
  /// CPUs of the job on each node, in the order of ``hosts``; nil when the environment does not say it.
  var cpus: [Int]?

  /// What the environment says; nil outside of a batch job, or in one of another system.
  ///
  /// - Throws: ``LauncherError/launch(message:)`` for a list of nodes that cannot be read.
  static func detect(in variables: [String: String]) throws -> Allocation? {
    if let job = variables["SLURM_JOB_ID"] { return try slurm(job, variables) }
    if let path = variables["PBS_NODEFILE"] { return try pbs(path, variables) }
    return nil
  }

  private static func slurm(
    _ job: String, _ variables: [String: String]
  ) throws -> Allocation {
    var allocation = Allocation(system: .slurm, job: job)
    guard let list = variables["SLURM_JOB_NODELIST"] ?? variables["SLURM_NODELIST"] else {
      return allocation
    }
    func wrong(_ name: String, _ expected: String) -> LauncherError {
      .launch(
        message: "\(name)=\(variables[name] ?? list) in Slurm's job \(job): expected \(expected)")
    }
    guard let names = SlurmNotation.names(list) else {
      throw wrong("SLURM_JOB_NODELIST", "names of nodes such as node[01-03],gpu1")
    }
    if let text = variables["SLURM_JOB_CPUS_PER_NODE"],
      let cpus = SlurmNotation.counts(text), cpus.count == names.count
    {
      allocation.cpus = cpus
    }
    guard let text = variables["SLURM_TASKS_PER_NODE"] else { return allocation }
    guard let tasks = SlurmNotation.counts(text), tasks.count == names.count else {
      throw wrong("SLURM_TASKS_PER_NODE", "a number for each of \(counted(names.count, "node"))")
    }
    allocation.hosts = HostList(
      zip(names, tasks).map { HostSlots(name: $0, slots: $1) }, origin: "Slurm's job \(job)")
    return allocation
  }

  /// The file has a line for each rank.
  private static func pbs(_ path: String, _ variables: [String: String]) throws -> Allocation {
    let job = variables["PBS_JOBID"] ?? "?"
    func wrong(_ message: String) -> LauncherError {
      .launch(
        message:
          "PBS_NODEFILE=\(path): \(message); expected the name of a node in each line, as PBS "
          + "writes it for a job, or PBS_NODEFILE unset outside of one")
    }
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw wrong("cannot be read on \(ProcessInfo.processInfo.hostName)")
    }
    var hosts: [HostSlots] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let name = line.trimmingCharacters(in: .whitespaces)
      if name.isEmpty { continue }
      do {
        try HostName.check(name)
      } catch let error as HostName.Problem {
        throw wrong("line \(index + 1): \(error.message)")
      }
      if let known = hosts.firstIndex(where: { $0.name == name }) {
        hosts[known].slots += 1
      } else {
        hosts.append(HostSlots(name: name, slots: 1))
      }
    }
    if hosts.isEmpty { throw wrong("names no node") }
    return Allocation(
      system: .pbs, job: job, hosts: HostList(hosts, origin: "PBS's job \(job)"), cpus: nil)
  }
}

extension Allocation: CustomStringConvertible {
  /// `Slurm's job 7`
  var description: String { "\(system.rawValue)'s job \(job)" }

  /// `4 tasks on 2 nodes (a:2,b:2)`; nil when the environment does not say it.
  var content: String? {
    hosts.map {
      "\(counted($0.slots, system == .slurm ? "task" : "slot")) on "
        + "\(counted($0.hosts.count, "node")) (\($0))"
    }
  }

  /// How to ask for `ranks` ranks.
  func request(_ ranks: Int) -> String {
    switch system {
    case .slurm: "ask Slurm for more (--ntasks=\(ranks))"
    case .pbs: "ask PBS for more (-l select=...:mpiprocs=...)"
    }
  }
}
