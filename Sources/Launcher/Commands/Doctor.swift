import ArgumentParser
import Foundation

/// Looks at everything that training needs from this machine, and tries it.
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows versions, MPI, BLAS speed, cores and binding, and what is wrong with them.",
    discussion: """
      Starts two small programs: one that multiplies matrices with the BLAS kernels in use (and, when \
      OPENBLAS_CORETYPE is set, with those that OpenBLAS would choose by itself), and one under mpirun. \
      Takes a few seconds; the exit code is 1 when ranks cannot be started.
      """)

  @Option(
    name: LaunchOptions.rankNames, parsing: .unconditional,
    help: "How many ranks to start under mpirun.")
  var ranks = 2

  @Option(help: .hidden)
  var probe: Probe?

  @Option(
    help: ArgumentHelp(
      "Prints what would be said of BLAS if this had been measured (JSON).", visibility: .private))
  var blasFindings: String?

  /// What this command does when it starts itself.
  enum Probe: String, CaseIterable, ExpressibleByArgument {
    case blas, rank
  }

  func validate() throws {
    if ranks < 1 {
      throw ValidationError("-n \(ranks): the number of ranks must be at least 1")
    }
  }

  func run() async throws {
    switch probe {
    case .blas: return Console.print(try JSONText.encode(BLASProbe.measure()))
    case .rank: return try RankProbe.gatherAndPrint()
    case nil: break
    }
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
}
