import ArgumentParser

/// The `apus` command.
@main
struct Launcher: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus",
    abstract: "Trains neural networks, on one process or on many under mpirun.",
    version: Package.version,
    subcommands: [Train.self, Run.self, Doctor.self, Bench.self, Inspect.self, Chaos.self])

  /// Runs commands on the main thread: with some MPI libraries only the thread that started MPI may
  /// use it, and it must be the same one from the first call to the last.
  @MainActor
  static func main() async {
    RankStart.runIfAsked(CommandLine.arguments)
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      if !Self.exitCode(for: error).isSuccess { RankStart.letFirstRankSpeak() }
      exit(withError: error)
    }
  }
}
