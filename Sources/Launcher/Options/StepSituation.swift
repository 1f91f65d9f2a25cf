/// What the time of a training step depends on, besides the model.
struct StepSituation: Sendable {
  /// All ranks.
  var ranks = 1
  /// Threads of a rank; nil where each takes its share of a node that is not seen here.
  var threads: Int?
  /// How many nodes have ranks; nil where only the batch system knows.
  var nodes: Int? = 1

  /// One process.
  init(threads: Int) { self.threads = threads }

  /// The ranks of a job.
  init(_ job: MPIRunCommand.Job, _ command: MPIRunCommand, on machine: Machine) {
    ranks = job.ranks
    threads = command.threads
    if let hosts = job.hosts ?? job.allocation?.hosts {
      nodes = hosts.shares(of: job.ranks).count { $0 > 0 }
    } else if machine.mayUseOtherNodes {
      nodes = nil
    }
  }
}
