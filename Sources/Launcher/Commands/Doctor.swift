import ArgumentParser
import Foundation

/// Looks at everything that training needs from this machine, and tries it.
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows versions, MPI, BLAS speed, cores and binding, and what is wrong with them.",
    discussion: """
      Starts two small programs: one that multiplies matrices with the BLAS kernels in use (and, when \
      OPENBLAS_CORETYPE is set, with those that would be taken without it), and one under mpirun. \
      Takes a few seconds; the exit code is 1 when ranks cannot be started.

      With --hosts or --hostfile it looks at these nodes instead, through the remote shell that mpirun uses: whether each \
      answers, has the same Apus, Open MPI and kernels, and the time; how fast they sum; whether they share a folder. \
      The exit code is 1 when a check fails.

      Example: apus doctor --hosts a,b --shared-folder /shared/runs
      """)

  @Option(
    name: LaunchOptions.rankNames, parsing: .unconditional,
    help: "How many ranks to start under mpirun.")
  var ranks = 2

  @OptionGroup(title: "Nodes") var hostOptions: HostOptions

  @Option(
    help: ArgumentHelp(
      "A folder that all nodes are to share: one writes a file there, the others read it.",
      valueName: "folder"))
  var sharedFolder: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Seconds that a node has to answer.", valueName: "seconds"))
  var nodeTimeout = 10

  @Option(help: .hidden)
  var probe: Probe?

  @Option(
    help: ArgumentHelp(
      "Prints what would be said of BLAS if this had been measured (JSON).", visibility: .private))
  var blasFindings: String?

  /// What this command does when it starts itself.
  enum Probe: String, CaseIterable, ExpressibleByArgument {
    case blas, rank, node, network
  }

  func validate() throws {
    if ranks < 1 {
      throw ValidationError("-n \(ranks): the number of ranks must be at least 1")
    }
    if nodeTimeout < 1 {
      throw ValidationError("--node-timeout \(nodeTimeout): expected seconds, 1 at least")
    }
    if sharedFolder != nil, hostOptions.list == nil {
      throw ValidationError("--shared-folder goes with --hosts or --hostfile")
    }
  }

  func run() async throws {
    switch probe {
    case .blas: return Console.print(try JSONText.encode(BLASProbe.measure()))
    case .rank: return try RankProbe.gatherAndPrint()
    case .node: return try await NodeProbe.run()
    case .network: return try NetworkProbe.run()
    case nil: break
    }
    if let hosts = hostOptions.list { return try await look(at: hosts) }
    if let blasFindings {
      let findings = try JSONText.decodeLastLine(blasFindings, as: BLASFindings.self)
      return Console.print(BLASSection.text(findings))
    }
    let machine = Machine.detect()
    Console.print(SystemSection.text(machine))
    Console.print(await BLASSection.text(machine))
    let mpi = await MPISection.make(machine, ranks: ranks)
    Console.print(mpi.text)
    if !mpi.isHealthy { throw ExitCode(1) }
  }
  private func look(at hosts: HostList) async throws {
    // Nobody answers whom a signal has ended.
    signal(SIGPIPE, SIG_IGN)
    // Other nodes have another working folder.
    let folder = sharedFolder.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    let cluster = await ClusterSection.make(
      ClusterSection.Request(hosts: hosts, folder: folder, seconds: nodeTimeout), on: .detect())
    Console.print(cluster.text)
    if !cluster.isHealthy { throw ExitCode(1) }
  }
}
