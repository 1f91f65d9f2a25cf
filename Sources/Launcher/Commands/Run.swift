import ArgumentParser
import Dist
import Engine

/// Runs any program on several ranks.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a program on several ranks under mpirun.",
    discussion: """
      Sets threads and binding so that ranks do not take each other's cores, and does what mpirun \
      needs to run as root, in a container, or with more ranks than cores; --dry-run shows it.

      The first word that is no option, nor the value of one, is the program; what follows is for the \
      program, as with mpirun. After -- every word is.

      Examples:
        apus run -n 4 ./train --epochs 3
        apus run --hostfile nodes.txt -x DATA=/shared/data -- ./train --epochs 3
      """)

  @OptionGroup var launch: LaunchOptions

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("The program and its arguments.", valueName: "program"))
  var captured: [String] = []

  /// The program and its arguments.
  var program: [String] { Array(captured.first == "--" ? captured.dropFirst() : captured[...]) }

  func validate() throws {
    // What is no option of this command is captured too.
    if let word = captured.first, word.hasPrefix("-"), word != "--" {
      if ["-h", "--help", "--help-hidden"].contains(word) { throw CleanExit.helpRequest(self) }
      throw ValidationError("Unknown option '\(word)'; options of the program stand after its name")
    }
    guard let name = program.first else {
      throw ValidationError("no program: expected apus run -n 4 program arguments")
    }
    if name.isEmpty || name.hasPrefix("-") {
      throw ValidationError(
        "\"\(name)\" is no program: expected its name or path after --; one that begins with a dash is "
          + "written ./\(name)")
    }
  }

  func run() throws {
    if launch.asksForRanks, !launch.isDryRun, let outer = Launch.current, outer.size ?? 1 > 1 {
      throw LauncherError.launch(
        message:
          "\(outer.launcher) has started \(counted(outer.size ?? 1, "rank")), and each would start a "
          + "job of its own here; leave out \(outer.launcher), or apus run")
    }
    // mpirun reports a program that is not there in a dozen lines.
    if !launch.isDryRun, launch.hosts == nil, ProgramStart.path(of: program[0]) == nil {
      throw LauncherError.cannotStart(
        program: program[0], reason: "there is no such program that can be run")
    }
    try launch.start(program, tags: true)
  }
}
