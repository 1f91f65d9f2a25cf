import Dist
import Engine

/// The command while it is being put together.
struct CommandDraft {
  let job: MPIRunCommand.Job
  let machine: Machine
  let ranksHere: Int
  let isElsewhere: Bool
  let threads: Int?
  var options: [String] = []
  var environment: [MPIRunCommand.Variable] = []
  var notes: [String] = []
  var boundCores: Int?

  /// The options of mpirun.
  mutating func mpirunOptions() -> [String] {
    add("-n", "\(job.ranks)")
    if let hosts = job.hosts { add("-H", hosts.description) }
    allowRoot()
    watchConnections()
    place()
    copyWithinNode()
    setThreads()
    setWaitLimit()
    forward()
    return options
  }

  mutating func add(_ words: String...) { options += words }

  mutating func set(_ name: String, _ value: String) {
    environment.append(MPIRunCommand.Variable(name: name, value: value))
  }

  /// mpirun refuses to run as root unless both variables say that it is meant.
  private mutating func allowRoot() {
    let names = ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"]
    guard machine.isRoot, names.contains(where: { machine.variables[$0] != "1" }) else { return }
    names.forEach { set($0, "1") }
    notes.append("running as root: allowed mpirun to (\(names[0]) and ..._CONFIRM set to 1)")
  }

  /// Lets mpirun and its daemons see within 10 seconds that a node is gone: by default they ask after 5 minutes of silence, and
  /// for as long again.
  private mutating func watchConnections() {
    guard isElsewhere else { return }
    for (name, value) in [("time", 2), ("intvl", 2), ("probes", 4)] {
      let name = "oob_tcp_keepalive_\(name)"
      add("--mca", name, machine.variables["OMPI_MCA_\(name)"] ?? "\(value)")
    }
  }

  /// Where ranks go: onto cores of their own when there are enough, else wherever the system puts them.
  private mutating func place() {
    // What cores other nodes have is seen there, by `RankStart`; how many ranks they take is said by their slots.
    guard !isElsewhere, let threads else {
      add("--bind-to", job.binding == .core ? "core" : "none")
      if job.binding == .core { boundCores = 1 }
      return oversubscribe()
    }
    let fits = ranksHere * threads <= machine.cores
    let isBound: Bool
    switch job.binding {
    case .automatic:
      // On a part of a machine mpirun may bind to cores outside of it (it looks at control groups, but not at affinity) or
      // to busy ones.
      isBound = fits && !machine.isShared
    case .core: isBound = true
    case .none: isBound = false
    }
    if isBound {
      boundCores = threads
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
    if ranksHere <= machine.cores { oversubscribe() }
    // A rank that waits spins; it must leave its core to one that computes.
    if !fits { add("--mca", "mpi_yield_when_idle", "1") }
  }

  private mutating func oversubscribe() {
    if job.isOversubscribed { add("--oversubscribe") }
  }

  /// Ranks of a node copy straight from each other's memory (cross-memory attach), which the security
  /// profile of a container may forbid: then each message would first fail with a warning.
  private mutating func copyWithinNode() {
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

  mutating func setWaitLimit() {
    if let limit = job.waitLimit { set(WaitLimit.variable, limit.description) }
  }

  /// Variables that ranks on other nodes need as well; on this one they inherit everything.
  private mutating func forward() {
    var names = threads != nil ? Machine.threadVariables : []
    let isSet = environment.contains { $0.name == WaitLimit.variable }
    if isSet || machine.variables[WaitLimit.variable] != nil { names.append(WaitLimit.variable) }
    if machine.variables["OPENBLAS_CORETYPE"] != nil { names.append("OPENBLAS_CORETYPE") }
    if isElsewhere { names += RankEnvironment.forwarded(machine.variables) }
    names += export()
    var known: Set<String> = []
    for name in names where known.insert(name).inserted { add("-x", name) }
  }

  /// Sets the variables of `-x`, whose values other users of the machine cannot read there, other than on a command line.
  ///
  /// - Returns: their names.
  mutating func export() -> [String] {
    for export in job.exports {
      let isKnown = environment.contains { $0.name == export.name }
      if let value = export.value, !isKnown { set(export.name, value) }
    }
    return job.exports.map(\.name)
  }

  func summary() -> String {
    let ranks = "\(job.starter.rawValue) with \(counted(job.ranks, "rank"))"
    guard !isElsewhere, let threads else {
      let each = threads.map { " of \(counted($0, "thread"))" } ?? ""
      let batch = job.allocation.map { "the nodes of \($0)" } ?? "the nodes of the batch system"
      let place = "on " + (job.hosts.map { "\($0)" } ?? batch)
      let share = threads == nil ? ", each with its share of its node's cores" : ""
      let bound =
        boundCores == nil
        ? (job.starter == .srun && job.binding != .none
          ? "bound as Slurm does" : "not bound to cores") : "each bound to a core"
      return "\(ranks)\(each) \(place)\(share); \(bound)"
    }
    let text = "\(ranks) of \(counted(threads, "thread")) on \(counted(machine.cores, "core"))"
    guard let boundCores else { return text + ", not bound to cores" }
    return text + ", each bound to \(boundCores == 1 ? "a core" : "\(boundCores) cores") of its own"
  }
}
