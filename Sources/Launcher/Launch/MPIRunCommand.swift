import Engine

/// The mpirun command line (of Open MPI) for a job on a machine: a pure function of both, so that it
/// can be shown before it runs and tested without running.
struct MPIRunCommand: Equatable, Sendable {
  /// What is to be run.
  struct Job: Sendable {
    /// All ranks, at least 1.
    var ranks: Int
    /// The nodes; nil for this one only.
    var hosts: HostList?
    /// Threads of a rank; nil for as many as its share of the cores.
    var threads: Int?
    /// Whether ranks are bound to cores.
    var binding = Binding.automatic
    /// The program and its arguments.
    var program: [String]
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

  /// mpirun, its options, the program and its arguments.
  let arguments: [String]
  /// Variables set on top of those that are there already.
  let environment: [Variable]
  /// What was decided and why, a line each, for standard error.
  let notes: [String]
  /// Threads of a rank.
  let threads: Int

  /// The command for `job` on `machine`.
  init(_ job: Job, on machine: Machine) {
    let ranksHere = job.hosts?.mostRanksOnOneHost(of: job.ranks) ?? job.ranks
    let threads = job.threads ?? machine.presetThreads ?? max(1, machine.cores / max(ranksHere, 1))
    var draft = Draft(machine: machine, ranksHere: ranksHere, threads: threads)
    draft.add("-n", "\(job.ranks)")
    if let hosts = job.hosts { draft.add("-H", hosts.description) }
    draft.allowRoot()
    draft.place(job)
    draft.copyWithinNode()
    draft.setThreads()
    draft.forward(remotely: job.hosts != nil)
    self.threads = threads
    arguments = [machine.mpirun] + draft.options + job.program
    environment = draft.environment
    notes = [draft.summary(job)] + draft.notes
  }

  /// The command as a line for a shell: `env NAME=value ... mpirun ...`.
  var shellLine: String {
    ShellQuoting.line(["env"] + environment.map { "\($0.name)=\($0.value)" } + arguments)
  }
}

/// The command while it is being put together.
private struct Draft {
  let machine: Machine
  let ranksHere: Int
  let threads: Int
  var options: [String] = []
  var environment: [MPIRunCommand.Variable] = []
  var notes: [String] = []
  var isBound = false

  mutating func add(_ words: String...) { options += words }

  mutating func set(_ name: String, _ value: String) {
    environment.append(MPIRunCommand.Variable(name: name, value: value))
  }

  /// mpirun refuses to run as root unless both variables say that it is meant.
  mutating func allowRoot() {
    let names = ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"]
    guard machine.isRoot, names.contains(where: { machine.variables[$0] != "1" }) else { return }
    names.forEach { set($0, "1") }
    notes.append("running as root: allowed mpirun to (\(names[0]) and ..._CONFIRM set to 1)")
  }

  /// Where ranks go: onto cores of their own when there are enough, else wherever the system puts them.
  mutating func place(_ job: MPIRunCommand.Job) {
    let fits = ranksHere * threads <= machine.cores
    switch job.binding {
    case .automatic:
      // What cores other nodes have is not known here. On a part of a machine mpirun may bind to
      // cores outside of it (it looks at control groups, but not at affinity) or to busy ones.
      isBound = fits && job.hosts == nil && !machine.isShared
    case .core: isBound = true
    case .none: isBound = false
    }
    if isBound {
      add("--map-by", "slot:PE=\(threads)", "--bind-to", "core")
    } else {
      // Open MPI's default for one or two ranks binds each to one core, whatever threads it has.
      add("--bind-to", "none")
    }
    if ranksHere > machine.cores {
      add("--oversubscribe")
      notes.append(
        "more ranks (\(ranksHere)) than cores (\(machine.cores)): they take turns "
          + "(--oversubscribe, mpi_yield_when_idle)")
    } else if !fits {
      notes.append(
        "more threads (\(ranksHere) x \(threads)) than cores (\(machine.cores)): they take turns "
          + "(mpi_yield_when_idle); fewer --threads may be faster")
    }
    // A rank that waits spins; it must leave its core to one that computes.
    if !fits { add("--mca", "mpi_yield_when_idle", "1") }
  }

  /// Ranks of a node copy straight from each other's memory (cross-memory attach), which the security
  /// profile of a container may forbid: then each message would first fail with a warning.
  mutating func copyWithinNode() {
    let name = "btl_vader_single_copy_mechanism"
    let preset = machine.variables["OMPI_MCA_\(name)"]
    if machine.allowsMemoryAttach || preset != nil {
      if machine.isContainer {
        let how = preset.map { "OMPI_MCA_\(name)=\($0) as set" }
        notes.append("in a container: " + (how ?? "cross-memory attach is permitted"))
      }
      return
    }
    add("--mca", name, "none")
    notes.append(
      (machine.isContainer ? "in a container: " : "")
        + "cross-memory attach is not permitted, so messages go through shared memory "
        + "(\(name) none)")
  }

  mutating func setThreads() {
    for name in Machine.threadVariables { set(name, "\(threads)") }
  }

  /// Variables that ranks on other nodes need as well; on this one they inherit everything.
  mutating func forward(remotely: Bool) {
    for name in Machine.threadVariables { add("-x", name) }
    let others = ["OPENBLAS_CORETYPE"] + (remotely ? ["LD_LIBRARY_PATH"] : [])
    for name in others where machine.variables[name] != nil { add("-x", name) }
  }

  func summary(_ job: MPIRunCommand.Job) -> String {
    var text = "mpirun with \(counted(job.ranks, "rank")) of \(counted(threads, "thread"))"
    if let hosts = job.hosts { return text + " on \(hosts); not bound to cores" }
    text += " on \(counted(machine.cores, "core"))"
    guard isBound else { return text + ", not bound to cores" }
    return text + ", each bound to \(threads == 1 ? "a core" : "\(threads) cores") of its own"
  }
}
