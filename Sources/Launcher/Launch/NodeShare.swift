import Foundation

/// The part of a node that one of its ranks takes.
enum NodeShare {
  /// Sets the number of threads of this rank to its share of the cores of a node that the launcher has not seen. What is
  /// set already stays.
  static func take() {
    let machine = Machine.detect()
    let ranks = ranksHere(in: machine.variables) ?? 1
    // Slurm has given each task cores of its own, or the same ones to all.
    let binding = machine.variables["SLURM_CPU_BIND_TYPE"] ?? ""
    let isBound =
      machine.variables["OMPI_COMM_WORLD_LOCAL_SIZE"] == nil && !binding.isEmpty
      && !binding.hasPrefix("none")
    let share = isBound ? machine.cores : max(1, machine.cores / max(ranks, 1))
    let threads = machine.presetThreads ?? share
    for name in Machine.threadVariables { setenv(name, "\(threads)", 0) }
    // A rank that waits spins; it must leave its core to one that computes.
    if threads > share || !isBound && ranks > machine.cores {
      setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0)
    }
  }

  /// How many ranks the node of this one has, as mpirun or srun says it.
  static func ranksHere(in variables: [String: String]) -> Int? {
    if let size = variables["OMPI_COMM_WORLD_LOCAL_SIZE"] { return Int(size) }
    guard let counts = variables["SLURM_STEP_TASKS_PER_NODE"].flatMap(SlurmNotation.counts),
      let node = variables["SLURM_NODEID"].flatMap({ Int($0) }), counts.indices.contains(node)
    else { return nil }
    return counts[node]
  }
}
