import Dist
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
    /// Seconds that a rank waits for others; nil for what the environment or the program says.
    var waitLimit: Double?
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
  /// Threads of a rank; nil when each rank takes its share of its node's cores.
  let threads: Int?

  /// The command for `job` on `machine`.
  init(_ job: Job, on machine: Machine) {
    let ranksHere = job.hosts?.mostRanksOnOneHost(of: job.ranks) ?? job.ranks
    // The machine that starts a job may be a small one: what others have is seen there.
    let isElsewhere = job.hosts != nil || machine.mayUseOtherNodes
    let asked = job.threads ?? machine.presetThreads
    let threads = asked ?? (isElsewhere ? nil : max(1, machine.cores / max(ranksHere, 1)))
    var draft = Draft(
      machine: machine, ranksHere: ranksHere, isElsewhere: isElsewhere, threads: threads)
    draft.add("-n", "\(job.ranks)")
    if let hosts = job.hosts { draft.add("-H", hosts.description) }
    draft.allowRoot()
    draft.place(job)
    draft.copyWithinNode()
    draft.setThreads()
    draft.setWaitLimit(job)
    draft.forward()
    self.threads = threads
    let start = isElsewhere ? [ProgramStart.ownPath(), RankStart.shareNode] : []
    arguments = [machine.mpirun] + draft.options + start + job.program
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
  let isElsewhere: Bool
  let threads: Int?
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
    // What cores other nodes have is seen there, by `RankStart`; how many ranks they take is said by their slots.
    guard !isElsewhere, let threads else {
      return add("--bind-to", job.binding == .core ? "core" : "none")
    }
    let fits = ranksHere * threads <= machine.cores
    switch job.binding {
    case .automatic:
      // On a part of a machine mpirun may bind to cores outside of it (it looks at control groups, but not at affinity) or
      // to busy ones.
      isBound = fits && !machine.isShared
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
    guard let threads else { return }
    for name in Machine.threadVariables { set(name, "\(threads)") }
  }

  mutating func setWaitLimit(_ job: MPIRunCommand.Job) {
    if let limit = job.waitLimit { set(WaitLimit.variable, limit.description) }
  }

  /// Variables that ranks on other nodes need as well; on this one they inherit everything.
  mutating func forward() {
    if threads != nil { for name in Machine.threadVariables { add("-x", name) } }
    let isSet = environment.contains { $0.name == WaitLimit.variable }
    if isSet || machine.variables[WaitLimit.variable] != nil { add("-x", WaitLimit.variable) }
    let others = ["OPENBLAS_CORETYPE"] + (isElsewhere ? ["LD_LIBRARY_PATH"] : [])
    for name in others where machine.variables[name] != nil { add("-x", name) }
  }

  func summary(_ job: MPIRunCommand.Job) -> String {
    let ranks = "mpirun with \(counted(job.ranks, "rank"))"
    guard !isElsewhere, let threads else {
      let each = threads.map { " of \(counted($0, "thread"))" } ?? ""
      let place = job.hosts.map { "on \($0)" } ?? "on the nodes of the batch system"
      let share = threads == nil ? ", each with its share of its node's cores" : ""
      return "\(ranks)\(each) \(place)\(share); not bound to cores"
    }
    let text = "\(ranks) of \(counted(threads, "thread")) on \(counted(machine.cores, "core"))"
    guard isBound else { return text + ", not bound to cores" }
    return text + ", each bound to \(threads == 1 ? "a core" : "\(threads) cores") of its own"
  }
}
