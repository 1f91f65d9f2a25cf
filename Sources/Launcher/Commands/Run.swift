import ArgumentParser

/// Runs any program on several ranks.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a program on several ranks under mpirun.",
    discussion: """
      Sets threads and binding so that ranks do not take each other's cores, and does what mpirun \
      needs to run as root, in a container, or with more ranks than cores; --dry-run shows it.

      Example: apus run -n 4 -- ./train --epochs 3
      """)

  @OptionGroup var launch: LaunchOptions

  @Argument(
    parsing: .postTerminator, help: "The program and its arguments, after --.")
  var program: [String] = []

  func validate() throws {
    if program.isEmpty {
      throw ValidationError("no program: expected apus run -n 4 -- program arguments")
    }
  }

  func run() throws {
    // mpirun reports a program that is not there in a dozen lines.
    if !launch.isDryRun, launch.hosts == nil, ProgramStart.path(of: program[0]) == nil {
      throw LauncherError.cannotStart(
        program: program[0], reason: "there is no such program that can be run")
    }
    try launch.start(program, tags: true)
  }
}
