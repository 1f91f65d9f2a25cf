import Engine
import Foundation

/// Starting another program in place of this one.
enum ProgramStart {
  /// The file of this command, so that ranks run the same one.
  static func ownPath() -> String {
    #if os(Linux)
      if let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
        return path
      }
    #endif
    return Bundle.main.executablePath ?? CommandLine.arguments[0]
  }

  /// The file that `program` names, looked for in `PATH` when it has no slash; nil when there is none
  /// that can be run.
  static func path(of program: String) -> String? {
    let files = FileManager.default
    if program.contains("/") { return files.isExecutableFile(atPath: program) ? program : nil }
    let folders = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return folders.split(separator: ":").map { "\($0)/\(program)" }
      .first { files.isExecutableFile(atPath: $0) }
  }

  /// Replaces this process: the exit code, signals and the terminal are then the program's own.
  ///
  /// - Returns: never, when all goes well.
  /// - Throws: ``LauncherError/cannotStart(program:reason:)``.
  static func replaceProcess(
    by words: [String], environment: [MPIRunCommand.Variable]
  ) throws -> Never {
    setVariables(environment)
    fflush(nil)
    execvp(words[0], arguments(words))
    let reason = systemReason(errno)
    throw LauncherError.cannotStart(program: words[0], reason: reason)
  }

  /// Sets variables for this process and those that it starts.
  static func setVariables(_ environment: [MPIRunCommand.Variable]) {
    for variable in environment { setenv(variable.name, variable.value, 1) }
    // mpirun gives every rank a terminal of its own: only here is known where the output goes.
    if isatty(STDOUT_FILENO) == 1 {
      setenv("APUS_TERMINAL", "1", 1)
    } else {
      unsetenv("APUS_TERMINAL")
    }
  }

  /// `words` as C wants them. They are never freed.
  static func arguments(_ words: [String]) -> [UnsafeMutablePointer<CChar>?] {
    words.map { strdup($0) } + [nil]
  }
}
