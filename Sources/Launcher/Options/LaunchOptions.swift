import ArgumentParser
import Dist
import Engine
import Foundation

/// How many processes, where, and with how many threads: the options that `train` and `run` share.
struct LaunchOptions: ParsableArguments {
  @Option(
    name: [.customShort("n", allowingJoined: true), .customLong("ranks")], parsing: .unconditional,
    help: ArgumentHelp(
      "Start this many processes (ranks) with mpirun; without it there is one, and no mpirun.",
      valueName: "ranks"))
  var ranks: Int?

  @Option(
    help: ArgumentHelp(
      "Nodes to start ranks on and how many each takes, such as a:2,b:2. "
        + "The command must be at the same path on all.",
      valueName: "hosts"),
    transform: HostList.init(text:))
  var hosts: HostList?

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

  @Flag(name: .customLong("dry-run"), help: "Print the command and its environment, and stop.")
  var isDryRun = false

  @Flag(
    name: .customLong("verbose"),
    help: "Show also what mpirun itself says about a rank that failed.")
  var isVerbose = false

  @Option(help: .hidden)
  var assume: AssumedMachine?

  func validate() throws {
    if let ranks, ranks < 1 {
      throw ValidationError("-n \(ranks): the number of ranks must be at least 1")
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
    if let ranks, let hosts, ranks > hosts.slots {
      throw ValidationError(
        "-n \(ranks): --hosts \(hosts) takes \(hosts.slots) ranks; raise the numbers after the colons"
      )
    }
    if assume != nil, !isDryRun { throw ValidationError("--assume goes with --dry-run only") }
  }

  /// Whether this process does the work itself: a launcher started it as a rank, or no ranks are asked for.
  ///
  /// - Throws: ``LauncherError/ranksDiffer(launcher:started:asked:)``.
  func runsHere() throws -> Bool {
    guard let outer = Launch.detect(in: ProcessInfo.processInfo.environment) else {
      return ranks == nil && hosts == nil && !isDryRun && !supervision.isAsked
    }
    if let asked = ranks, let started = outer.size, asked != started {
      throw LauncherError.ranksDiffer(launcher: outer.launcher, started: started, asked: asked)
    }
    return true
  }

  /// The arguments that give a rank its threads.
  var threadArguments: [String] { threads.map { ["--threads", "\($0)"] } ?? [] }

  /// Starts `program` as these options say, and ends this process as it ends; with `--dry-run` prints how.
  ///
  /// - Parameter tags: whether lines of several ranks are tagged where the options do not say.
  func start(_ program: [String], tags: Bool = false) throws {
    let machine = assume?.applied(to: .detect()) ?? .detect()
    guard let ranks = ranks ?? hosts?.slots else {
      return try startAlone(program, on: machine)
    }
    let command = command(program, ranks: ranks, hosts: hosts, on: machine)
    command.notes.forEach(Console.note)
    if isDryRun { return Console.print(command.shellLine) }
    guard ProgramStart.path(of: machine.mpirun) != nil else { throw LauncherError.noMpirun }
    try supervise(tags: tags && ranks > 1) { lost in
      guard !lost.isEmpty else { return job(command, program, ranks: ranks) }
      return try smallerJob(program, ranks: ranks, without: lost, on: machine)
    }
  }

  private func command(
    _ program: [String], ranks: Int, hosts: HostList?, on machine: Machine
  ) -> MPIRunCommand {
    MPIRunCommand(
      MPIRunCommand.Job(
        ranks: ranks, hosts: hosts, threads: threads, binding: bind, waitLimit: waitLimit,
        program: program), on: machine)
  }

  private func job(_ command: MPIRunCommand, _ program: [String], ranks: Int) -> JobCommand {
    JobCommand(
      words: command.arguments.dropLast(program.count), program: program, ranks: ranks,
      environment: command.environment)
  }

  /// The job on the hosts that are left; nil when they are too few.
  private func smallerJob(
    _ program: [String], ranks: Int, without lost: [String], on machine: Machine
  ) throws -> JobCommand? {
    let names = lost.joined(separator: ", ")
    let left = HostList(hosts: (hosts?.hosts ?? []).filter { !lost.contains($0.name) })
    let fewer = min(ranks, left.slots)
    guard fewer >= max(1, supervision.minRanks ?? ranks) else {
      Console.note(
        "not restarted: without \(names) there is place for \(fewer) of \(ranks) ranks; --min-ranks "
          + "allows fewer")
      return nil
    }
    Console.note("going on without \(names): \(fewer) of \(ranks) ranks on \(left)")
    return job(
      command(program, ranks: fewer, hosts: left, on: machine), program, ranks: fewer)
  }

  private func supervise(
    tags: Bool, _ makeCommand: @escaping ([String]) throws -> JobCommand?
  ) throws -> Never {
    try Supervisor(
      supervision: supervision.supervision(waitLimit: waitLimit, tags: tags),
      isVerbose: isVerbose, makeCommand: makeCommand
    ).run()
  }

  private func startAlone(_ program: [String], on machine: Machine) throws {
    let threads = threads ?? machine.presetThreads ?? machine.cores
    let environment = Machine.threadVariables.map {
      MPIRunCommand.Variable(name: $0, value: "\(threads)")
    }
    if isDryRun {
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

/// A machine to plan for instead of this one, for `--dry-run`:
/// `cores=8,shared=no,root=no,container=yes,cma=no`.
struct AssumedMachine: ExpressibleByArgument, Sendable {
  private var cores: Int?
  private var isRoot: Bool?
  private var isContainer: Bool?
  private var allowsMemoryAttach: Bool?
  private var isShared: Bool?

  init?(argument: String) {
    for part in argument.split(separator: ",") {
      let pieces = part.split(separator: "=")
      guard pieces.count == 2 else { return nil }
      let flag: Bool? = pieces[1] == "yes" ? true : pieces[1] == "no" ? false : nil
      switch pieces[0] {
      case "cores": cores = Int(pieces[1])
      case "root": isRoot = flag
      case "container": isContainer = flag
      case "cma": allowsMemoryAttach = flag
      case "shared": isShared = flag
      default: return nil
      }
    }
  }

  /// `machine` with what was named replaced.
  func applied(to machine: Machine) -> Machine {
    var machine = machine
    machine.cores = cores ?? machine.cores
    machine.isRoot = isRoot ?? machine.isRoot
    machine.isContainer = isContainer ?? machine.isContainer
    machine.allowsMemoryAttach = allowsMemoryAttach ?? machine.allowsMemoryAttach
    machine.isShared = isShared ?? machine.isShared
    return machine
  }
}
