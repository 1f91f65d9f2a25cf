/// The command line of mpirun (of Open MPI) or srun for a job on a machine: a pure function of both, so that it
/// can be shown before it runs and tested without running.
struct MPIRunCommand: Equatable, Sendable {
  /// What is to be run.
  struct Job: Sendable {
    /// All ranks, at least 1.
    var ranks: Int
    /// The nodes; nil for this one, or those of the batch system.
    var hosts: HostList?
    /// What the batch system has given; see ``place(on:)``.
    var allocation: Allocation?
    /// What starts the ranks.
    var starter = Starter.mpirun
    /// Whether nodes may get more ranks than they have slots.
    var isOversubscribed = false
    /// Variables to hand on besides those of ``RankEnvironment``.
    var exports: [RankEnvironment.Export] = []
    /// Threads of a rank; nil for as many as its share of the cores.
    var threads: Int?
    /// Whether ranks are bound to cores.
    var binding = Binding.automatic
    /// Seconds that a rank waits for others; nil for what the environment or the program says.
    var waitLimit: Double?
    /// The program and its arguments.
    var program: [String]
  }

  /// What starts ranks.
  enum Starter: String, Sendable {
    /// Open MPI's.
    case mpirun
    /// Slurm's, inside an allocation.
    case srun
  }

  /// Whether ranks are bound to cores.
  enum Binding: String, Sendable, CaseIterable {
    /// They are when each can have as many cores as it has threads.
    case automatic = "auto"
    /// They are.
    case core
    /// They are not.
    case none
  }

  /// An environment variable that is set for mpirun and, by inheritance or `-x`, for the ranks.
  struct Variable: Equatable, Sendable {
    var name: String
    var value: String
  }

  /// mpirun or srun, its options, the program and its arguments.
  let arguments: [String]
  /// Variables set on top of those that are there already.
  let environment: [Variable]
  /// What was decided and why, a line each, for standard error.
  let notes: [String]
  /// Threads of a rank; nil when each rank takes its share of its node's cores.
  let threads: Int?
  /// Cores that each rank is bound to; nil when it is bound to none, or the batch system decides.
  let boundCores: Int?

  /// The command for `job` on `machine`.
  init(_ job: Job, on machine: Machine) {
    var machine = machine
    for export in job.exports {
      if let value = export.value { machine.variables[export.name] = value }
    }
    let ranksHere = job.hosts?.mostRanksOnOneHost(of: job.ranks) ?? job.ranks
    // The machine that starts a job may be a small one: what others have is seen there.
    let isElsewhere = job.starter == .srun || job.hosts != nil || machine.mayUseOtherNodes
    let asked = job.threads ?? machine.presetThreads
    let threads = asked ?? (isElsewhere ? nil : max(1, machine.cores / max(ranksHere, 1)))
    var draft = CommandDraft(
      job: job, machine: machine, ranksHere: ranksHere, isElsewhere: isElsewhere, threads: threads)
    let start = isElsewhere ? [ProgramStart.ownPath(), RankStart.shareNode] : []
    switch job.starter {
    case .mpirun: arguments = [machine.mpirun] + draft.mpirunOptions() + start + job.program
    case .srun: arguments = ["srun"] + draft.srunOptions() + start + job.program
    }
    self.threads = threads
    boundCores = draft.boundCores
    environment = draft.environment
    notes = [draft.summary()] + draft.notes
  }

  /// The command as a line for a shell: `env NAME=value ... mpirun ...`.
  var shellLine: String {
    ShellQuoting.line(["env"] + environment.map { "\($0.name)=\($0.value)" } + arguments)
  }
}
