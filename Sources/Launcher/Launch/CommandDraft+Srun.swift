import Engine

extension CommandDraft {
  /// The options of srun. Ranks fill the nodes in order, as mpirun fills them, as far as Slurm has CPUs for them there.
  mutating func srunOptions() -> [String] {
    add("--mpi=pmix", "--ntasks=\(job.ranks)")
    if let hosts = job.hosts ?? job.allocation?.hosts {
      let used = zip(hosts.hosts, hosts.shares(of: job.ranks)).filter { $1 > 0 }.map(\.0)
      add("--nodes=\(used.count)")
      if job.hosts != nil { add("--nodelist=" + used.map(\.name).joined(separator: ",")) }
    }
    add("--distribution=block")
    if let cpus = cpusPerTask { add("--cpus-per-task=\(cpus)") }
    switch job.binding {
    case .automatic: break
    case .core: add("--cpu-bind=cores")
    case .none: add("--cpu-bind=none")
    }
    if job.isOversubscribed { add("--overcommit") }
    // One rank that fails ends the others, as with mpirun.
    add("--kill-on-bad-exit=1")
    if !machine.allowsMemoryAttach {
      let name = "OMPI_MCA_btl_vader_single_copy_mechanism"
      if machine.variables[name] == nil { set(name, "none") }
    }
    setThreads()
    setWaitLimit()
    let exports = export()
    var variables = machine.variables
    for variable in environment { variables[variable.name] = variable.value }
    let names = RankEnvironment.forwarded(variables, isForTasks: true)
    add(
      "--export=" + (names + exports.filter { !names.contains($0) }).joined(separator: ","))
    return options
  }

  /// CPUs of a task; nil for Slurm's choice.
  private var cpusPerTask: Int? {
    let preset = machine.variables["SLURM_CPUS_PER_TASK"].flatMap { Int($0) }
    guard !job.isOversubscribed else { return nil }
    guard job.hosts == nil, let allocation = job.allocation, let hosts = allocation.hosts,
      let cpus = allocation.cpus
    else { return job.threads ?? preset }
    // What the job has on every node that it uses.
    let shares = zip(cpus, hosts.shares(of: job.ranks)).filter { $1 > 0 }.map { $0 / $1 }
    guard let share = shares.min(), share > 0 else { return preset }
    return min(share, threads ?? preset ?? share)
  }
}
