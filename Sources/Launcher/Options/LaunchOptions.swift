import ArgumentParser
import Dist
import Engine
import Foundation

/// How many processes, where, and with how many threads: the options that `train`, `run` and `bench` share.
struct LaunchOptions: ParsableArguments {
  /// How a number of ranks is written; as mpirun has it, too.
  static let rankNames: NameSpecification = [
    .customShort("n", allowingJoined: true), .customLong("ranks"), .customLong("np"),
    .customLong("np", withSingleDash: true),
  ]

  @Option(
    name: rankNames, parsing: .unconditional,
    help: ArgumentHelp(
      "Start this many processes (ranks) with mpirun; without it there is one, and no mpirun.",
      valueName: "ranks"))
  var ranks: Int?

  @OptionGroup var hostOptions: HostOptions

  @Option(
    name: .customLong("launcher"),
    help: ArgumentHelp(
      "What starts ranks: mpirun, srun (inside an allocation of Slurm) or auto, which is mpirun where there is one. "
        + "Named without -n, it starts as many ranks as the allocation has tasks.",
      valueName: "launcher"))
  var launcher = LauncherChoice.auto

  @Flag(
    name: .customLong("oversubscribe"),
    help: "Let nodes have more ranks than they have slots, or the allocation has tasks.")
  var isOversubscribed = false

  @Option(
    name: [.customShort("x"), .customLong("env")], parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Give ranks on all nodes this variable (NAME=value, or NAME as it is here), besides the usual ones; once for each.",
      valueName: "variable"),
    transform: RankEnvironment.Export.init(text:))
  var exports: [RankEnvironment.Export] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Threads of each rank. (default: OPENBLAS_NUM_THREADS if set, else its share of the cores)",
      valueName: "threads"))
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Whether ranks are bound to cores of their own: auto, core or none. auto binds when there is "
        + "a core for each thread."))
  var bind = MPIRunCommand.Binding.automatic

  @Option(
    name: .customLong("wait-limit"), parsing: .unconditional,
    help: ArgumentHelp(
      "Seconds that a rank waits for others before the job ends and says who has not come; 0 for no "
        + "limit. (default: APUS_WAIT_LIMIT if set, else 300)", valueName: "seconds"))
  var waitLimit: Double?

  @OptionGroup var supervision: SupervisionOptions

  @Flag(
    name: .customLong("dry-run"),
    help:
      "Print where ranks go, the command and its environment, and for train the time of a step; start nothing."
  )
  var isDryRun = false

  @Flag(
    name: .customLong("verbose"),
    help: "Show also what mpirun itself says about a rank that failed.")
  var isVerbose = false

  @Option(help: .hidden)
  var assume: AssumedMachine?

  /// The nodes that were named.
  var hosts: HostList? { hostOptions.list }

  /// Whether this asks for ranks, and not for one process.
  var asksForRanks: Bool { ranks != nil || hosts != nil || launcher != .auto }

  func validate() throws {
    if let ranks, ranks < 1 {
      throw ValidationError("-n \(ranks): the number of ranks must be at least 1")
    }
    if let ranks, ranks > HostName.mostSlots {
      throw ValidationError("-n \(ranks): expected at most \(HostName.mostSlots) ranks")
    }
    if let waitLimit, !(waitLimit >= 0 && waitLimit.isFinite) {
      throw ValidationError(
        "--wait-limit \(waitLimit): expected a number of seconds, 0 for no limit")
    }
    if let threads, threads < 1 {
      throw ValidationError("--threads \(threads): a rank needs at least 1 thread")
    }
    if let threads, threads > ComputeThreads.most {
      throw ValidationError(
        "--threads \(threads): a rank can have at most \(ComputeThreads.most) threads")
    }
    if let ranks, let hosts { try checkSlots(ranks, hosts) }
    try RankEnvironment.check(exports)
    if assume != nil, !isDryRun { throw ValidationError("--assume goes with --dry-run only") }
  }

  private func checkSlots(_ ranks: Int, _ hosts: HostList) throws {
    if ranks > hosts.slots, !isOversubscribed {
      throw ValidationError(
        "-n \(ranks): \(hosts.origin) takes \(hosts.slots) ranks; raise the numbers of the nodes, or let "
          + "ranks take turns on cores: --oversubscribe")
    }
    for (host, share) in zip(hosts.hosts, hosts.shares(of: ranks)) {
      guard let most = host.maxSlots, share > most else { continue }
      throw ValidationError(
        "-n \(ranks): \(hosts.origin) lets \(host.name) have max-slots=\(most), but its share is "
          + "\(share) ranks; use fewer ranks, or raise max-slots")
    }
  }

  /// Whether this process does the work itself: a launcher started it as a rank, or no ranks are asked for.
  ///
  /// - Throws: ``LauncherError/ranksDiffer(launcher:started:asked:)``, ``LauncherError/launch(message:)``.
  func runsHere() throws -> Bool {
    guard let outer = Launch.detect(in: ProcessInfo.processInfo.environment) else {
      if asksForRanks || isDryRun || supervision.isAsked { return false }
      noteUnusedTasks(of: .detect())
      ProgramStart.setVariables(exports)
      return true
    }
    if let asked = ranks, let started = outer.size, asked != started {
      throw LauncherError.ranksDiffer(launcher: outer.launcher, started: started, asked: asked)
    }
    if let hosts {
      throw LauncherError.launch(
        message:
          "\(hosts.origin): \(outer.launcher) has started this rank already, and says where ranks "
          + "are; leave out one of the two")
    }
    ProgramStart.setVariables(exports)
    return true
  }

  /// The arguments that give a rank its threads.
  var threadArguments: [String] { threads.map { ["--threads", "\($0)"] } ?? [] }

  /// Starts `program` as these options say, and ends this process as it ends; with `--dry-run` prints how.
  ///
  /// - Parameters:
  ///   - program: the program and its arguments.
  ///   - tags: whether lines of several ranks are tagged where the options do not say.
  ///   - prediction: lines for `--dry-run` about the time of a step.
  /// - Throws: a ``LauncherError``.
  func start(
    _ program: [String], tags: Bool = false, prediction: ((StepSituation) -> [String])? = nil
  ) throws {
    let machine = assume?.applied(to: .detect()) ?? .detect()
    guard let ranks = try rankCount(on: machine) else {
      return try startAlone(program, on: machine, prediction)
    }
    var job = MPIRunCommand.Job(
      ranks: ranks, hosts: hosts, starter: launcher.starter(on: machine),
      isOversubscribed: isOversubscribed, exports: exports, threads: threads, binding: bind,
      waitLimit: waitLimit, program: program)
    try job.place(on: machine)
    let command = MPIRunCommand(job, on: machine)
    command.notes.forEach(Console.note)
    if isDryRun {
      let lines =
        RankMap(job, command, on: machine).lines
        + (prediction?(StepSituation(job, command, on: machine)) ?? [])
      lines.forEach { Console.print("# " + $0) }
      return Console.print(command.shellLine)
    }
    try job.starter.checkIsThere(on: machine)
    let placed = job
    try supervise(tags: tags && ranks > 1) { lost in
      guard !lost.isEmpty else { return JobCommand(placed, command, on: machine) }
      return try smallerJob(placed, without: lost, on: machine)
    }
  }

  /// The job on the hosts that are left; nil when they are too few.
  private func smallerJob(
    _ job: MPIRunCommand.Job, without lost: [String], on machine: Machine
  ) throws -> JobCommand? {
    let names = lost.joined(separator: ", ")
    let all = job.hosts ?? job.allocation?.hosts
    let left = HostList((all?.hosts ?? []).filter { !lost.contains($0.name) })
    if let all, all.hosts.count == left.hosts.count {
      // Whichever it is, it may answer again.
      return JobCommand(job, MPIRunCommand(job, on: machine), on: machine)
    }
    let fewer = min(job.ranks, left.slots)
    guard fewer >= max(1, supervision.minRanks ?? job.ranks) else {
      Console.note(
        "not restarted: without \(names) there is place for \(fewer) of \(job.ranks) ranks; --min-ranks "
          + "allows fewer")
      return nil
    }
    Console.note("going on without \(names): \(fewer) of \(job.ranks) ranks on \(left)")
    var job = job
    (job.ranks, job.hosts) = (fewer, left)
    return JobCommand(job, MPIRunCommand(job, on: machine), on: machine)
  }

  private func supervise(
    tags: Bool, _ makeCommand: @escaping ([String]) throws -> JobCommand?
  ) throws -> Never {
    try Supervisor(
      supervision: supervision.supervision(waitLimit: waitLimit, tags: tags),
      isVerbose: isVerbose, makeCommand: makeCommand
    ).run()
  }

  /// How many ranks to start; nil for one process that nothing starts.
  private func rankCount(on machine: Machine) throws -> Int? {
    if let count = ranks ?? hosts?.slots { return count }
    guard launcher != .auto else { return nil }
    if let count = try machine.allocation()?.hosts?.slots { return count }
    throw LauncherError.launch(
      message:
        "--launcher \(launcher.rawValue): there is no allocation of a batch system here that says "
        + "how many ranks; add -n")
  }

  /// Says that an allocation for several ranks gets one process: it is easily forgotten to ask for them.
  private func noteUnusedTasks(of machine: Machine) {
    guard let allocation = try? machine.allocation(), let hosts = allocation.hosts,
      let content = allocation.content, hosts.slots > 1
    else { return }
    Console.note(
      "\(allocation) has \(content), but this is one process; -n \(hosts.slots) starts a rank for each"
    )
  }

  private func startAlone(
    _ program: [String], on machine: Machine, _ prediction: ((StepSituation) -> [String])?
  ) throws {
    noteUnusedTasks(of: machine)
    let threads = threads ?? machine.presetThreads ?? machine.cores
    var environment = Machine.threadVariables.map {
      MPIRunCommand.Variable(name: $0, value: "\(threads)")
    }
    for export in exports where !environment.contains(where: { $0.name == export.name }) {
      guard let value = export.value else { continue }
      environment.append(MPIRunCommand.Variable(name: export.name, value: value))
    }
    if isDryRun {
      let lines =
        RankMap(threads: threads, on: machine).lines
        + (prediction?(StepSituation(threads: threads)) ?? [])
      lines.forEach { Console.print("# " + $0) }
      let assignments = environment.map { "\($0.name)=\($0.value)" }
      return Console.print(ShellQuoting.line(["env"] + assignments + program))
    }
    guard supervision.isAsked else {
      try ProgramStart.replaceProcess(by: program, environment: environment)
    }
    try supervise(tags: false) { _ in
      JobCommand(
        words: [], program: program, ranks: 1, starter: .none, environment: environment)
    }
  }
}

extension MPIRunCommand.Binding: ExpressibleByArgument {}
