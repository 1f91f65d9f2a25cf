import Engine

/// What of this machine and process matters to a launch.
struct Machine: Equatable, Sendable {
  /// Cores that this process may use, not counting hyperthreads: those of its affinity mask, or fewer
  /// when a container's limit on CPU time is lower.
  var cores: Int
  /// Whether that is less than the whole machine: other programs use the rest, or the same cores.
  var isShared = false
  /// Whether the process runs as root.
  var isRoot: Bool
  /// Whether it runs in a container.
  var isContainer: Bool
  /// Whether a process may read another one's memory (`process_vm_readv`).
  var allowsMemoryAttach: Bool
  /// The name of this node.
  var hostName = "localhost"
  /// The program to start jobs with.
  var mpirun = "mpirun"
  /// The environment.
  var variables: [String: String]

  /// Variables that say how many threads a program uses: OpenBLAS's own, and OpenMP's.
  static let threadVariables = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]

  /// What a batch system has given to the job that this process is part of.
  ///
  /// - Throws: ``LauncherError/launch(message:)`` for a list of nodes that cannot be read.
  func allocation() throws -> Allocation? { try Allocation.detect(in: variables) }

  /// Whether mpirun takes nodes from a batch system or a list of its own, so that ranks may run elsewhere although no nodes
  /// were named.
  var mayUseOtherNodes: Bool {
    let lists = [
      "PE_HOSTFILE", "LSB_HOSTS", "OMPI_MCA_orte_default_hostfile",
      "PRTE_MCA_prte_default_hostfile",
    ]
    if lists.contains(where: { variables[$0] != nil }) { return true }
    do {
      guard let allocation = try allocation() else { return false }
      guard let hosts = allocation.hosts else { return variables["SLURM_JOB_NUM_NODES"] != "1" }
      return !hosts.hosts.allSatisfy { isNamed($0.name) }
    } catch {
      return true
    }
  }

  /// Whether `name` is this node's, as it calls itself or as Slurm calls it.
  func isNamed(_ name: String) -> Bool {
    [hostName, variables["SLURMD_NODENAME"] ?? hostName].contains { HostName.areSame($0, name) }
  }

  /// How many threads the environment asks for, if it does: OpenBLAS's variable before OpenMP's, of
  /// which the first of a list counts.
  var presetThreads: Int? {
    for name in Self.threadVariables {
      let first = variables[name]?.split(separator: ",").first
      if let number = first.flatMap({ Int($0) }), number > 0 {
        return min(number, ComputeThreads.most)
      }
    }
    return nil
  }

  /// How many threads a rank takes when nobody says: what the environment says, else the cores that
  /// it is bound to, else (not bound) its share of all.
  func threads(ofRanksHere ranks: Int) -> Int {
    if let presetThreads { return presetThreads }
    return max(1, min(cores, CPUTopology.all().cores / max(ranks, 1)))
  }
}
