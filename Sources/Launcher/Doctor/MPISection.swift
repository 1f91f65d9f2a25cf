import Dist
import Engine
import Foundation

/// What one rank under mpirun finds.
struct RankProbe: Codable, Sendable {
  var host: HostInfo
  /// MPI's thread level, 0 to 3 (MPI 3.1 §12.4.3).
  var threadLevel: Int
  /// The processors it is bound to.
  var processors: String
  var cores: Int
  var threads: Int

  /// Joins the job; rank 0 prints what all ranks found as one line of JSON.
  static func gatherAndPrint() throws {
    try withStrategy(.mpi) {
      let strategy = DistributionContext.strategy
      let session = (strategy as? MPIStrategy)?.session
      let hosts = try HostInfo.gather(strategy)
      let usable = CPUTopology.usable()
      let mine = RankProbe(
        host: hosts[strategy.communicator.rank], threadLevel: session?.threadLevel ?? 0,
        processors: usable.processorText, cores: usable.cores, threads: ComputeThreads.count)
      let all = try strategy.communicator.allGather(text: try JSONText.encode(mine))
      if strategy.isChief { Console.print("[\(all.joined(separator: ","))]") }
    }
  }

  /// `rank 0: node-1, bound to 1 of 2 cores (processors 0), 1 thread`
  func summary(allCores: Int) -> String {
    let place =
      cores < allCores
      ? "bound to \(cores) of \(allCores) cores (processors \(processors))"
      : "not bound: all \(allCores) cores"
    return "\(host.hostname), \(place), \(counted(threads, "thread"))"
  }
}

/// Which MPI there is, and whether it starts ranks.
struct MPISection {
  let text: String
  /// Whether ranks could be started.
  let isHealthy: Bool

  static func make(_ machine: Machine, ranks: Int) async -> MPISection {
    var section = Section("MPI")
    do {
      guard let path = ProgramStart.path(of: machine.mpirun) else { throw LauncherError.noMpirun }
      section.add("mpirun", path)
      let version = try await ChildProcess.output([machine.mpirun, "--version"])
      section.add("version", String(version.prefix { !$0.isNewline }))
      try await startRanks(machine, ranks, &section)
      return MPISection(text: section.text, isHealthy: true)
    } catch {
      section.advise("\(error)")
      return MPISection(text: section.text, isHealthy: false)
    }
  }

  private static func startRanks(
    _ machine: Machine, _ ranks: Int, _ section: inout Section
  ) async throws {
    let program = [ProgramStart.ownPath(), "doctor", "--probe", "rank"]
    let command = MPIRunCommand(MPIRunCommand.Job(ranks: ranks, program: program), on: machine)
    let environment = Dictionary(
      uniqueKeysWithValues: command.environment.map { ($0.name, Optional($0.value)) })
    for note in command.notes { section.add("launch", note) }
    let output = try await ChildProcess.output(
      command.arguments, environment: environment, seconds: 60)
    let probes = try JSONText.decodeLastLine(output, as: [RankProbe].self)
    let levels = ["SINGLE", "FUNNELED", "SERIALIZED", "MULTIPLE"]
    if let level = probes.first?.threadLevel {
      let name = levels.indices.contains(level) ? levels[level] : "?"
      section.add("thread level", "MPI_THREAD_\(name) (\(level))")
    }
    let allCores = CPUTopology.all().cores
    for probe in probes {
      section.add("rank \(probe.host.rank)", probe.summary(allCores: allCores))
    }
  }
}
