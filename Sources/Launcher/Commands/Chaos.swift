import ArgumentParser
import Foundation

/// Disturbs a training and compares its end with an undisturbed one.
struct Chaos: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a training while it does harm, and compares its end with an undisturbed run.",
    discussion: """
      The command runs twice: undisturbed, and while its processes are killed, stopped or told to end at random \
      moments that --seed draws. Where the command ends by a fault it is started again. Only processes \
      below the command are touched, and none of them is left.

      Kinds of faults: kill (a rank), stop (a rank, for good), delay (a rank, for a moment), notice (SIGTERM or \
      SIGUSR1 to the command), mpirun (killed), launcher (the command killed), disk (full for a moment), flip (the \
      command killed, and a bit of its newest state turned over).

      Examples:
        apus chaos -- apus train -n 2 --epochs 20 --max-restarts 20 --state-interval 10
        apus chaos --compare total.txt -- apus run -n 3 --max-restarts 20 -- ./program {out}

      {out} stands for the output folder, which is another one for each of the two runs.
      """)

  @Option(parsing: .unconditional, help: "How many faults.")
  var faults = 10

  @Option(parsing: .unconditional, help: "Draws what is done, to which rank, and when.")
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      "What is done, such as kill,delay. (default: \(Self.kindNames))", valueName: "kinds"),
    transform: Self.kinds)
  var kinds = Fault.Kind.allCases

  @Option(
    name: .customLong("compare"),
    help: ArgumentHelp(
      "A file in the output folder that has to be the same at the end; repeat it for several. "
        + "(default for apus train: weights.safetensors and history.csv)", valueName: "file"))
  var compared: [String] = []

  @Option(
    parsing: .unconditional, help: "Seconds in which the training must go on after a fault.")
  var patience = 60.0

  @Option(parsing: .unconditional, help: "Seconds for each of the two runs.")
  var timeLimit = 900.0

  @Option(
    help: ArgumentHelp(
      "The folder for what both runs write. (default: one that is removed when all is well)",
      valueName: "folder"))
  var folder: String?

  @Flag(name: .customLong("dry-run"), help: "Print the faults, and stop.")
  var isDryRun = false

  @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
  var command: [String] = []

  private static var kindNames: String {
    Fault.Kind.allCases.map(\.rawValue).joined(separator: ",")
  }

  private static func kinds(_ text: String) throws -> [Fault.Kind] {
    let kinds = try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
      guard let kind = Fault.Kind(rawValue: String(name)) else {
        throw ValidationError("--kinds \(text): \(name) is none of \(kindNames)")
      }
      return kind
    }
    return Fault.Kind.allCases.filter(kinds.contains)
  }

  func validate() throws {
    if command.isEmpty {
      throw ValidationError("no command: expected apus chaos -- apus train -n 2 ...")
    }
    if faults < 1 { throw ValidationError("--faults \(faults): at least 1 is needed") }
    for (name, seconds) in [("--patience", patience), ("--time-limit", timeLimit)]
    where !(seconds > 0 && seconds < 1e9) {
      throw ValidationError("\(name) \(seconds): expected a positive number of seconds")
    }
    if try !ChaosCommand(command).isTrain, compared.isEmpty {
      throw ValidationError(
        "--compare is missing: name the files in the output folder that have to be the same at the end"
      )
    }
  }

  func run() throws {
    let schedule = FaultSchedule(seed: seed, count: faults, kinds: kinds)
    if isDryRun {
      for fault in schedule.faults {
        let moment = String(format: "%.1f", 100 * fault.moment)
        Console.print("\(fault.kind) at \(moment) % of the training")
      }
      return
    }
    guard LinuxProcess.isSupported else {
      throw LauncherError.chaos("processes are found in /proc, which only Linux has")
    }
    let place = try self.folder ?? Self.temporaryFolder()
    let plan = ChaosRun.Plan(
      command: try ChaosCommand(command), seed: seed, faults: faults, kinds: kinds,
      items: compared.isEmpty
        ? OutputComparison.ofTrain : compared.map { .init(name: $0, file: $0) },
      patience: patience, timeLimit: timeLimit, folder: place)
    var isGood = false
    defer {
      if isGood, folder == nil {
        try? FileManager.default.removeItem(atPath: place)
      } else {
        Console.note("what both runs wrote is in \(place)")
      }
    }
    do {
      isGood = try ChaosRun(plan).run()
    } catch ChaosStop.interrupted {
      throw ExitCode(130)
    }
    if !isGood { throw ExitCode.failure }
  }

  private static func temporaryFolder() throws -> String {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("apus-chaos-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.path
  }
}
