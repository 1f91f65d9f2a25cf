import Foundation
import Subprocess

/// Programs that the command starts, waits for and reads.
enum ChildProcess {
  /// The output of a program that ended with code 0.
  ///
  /// - Parameters:
  ///   - words: the program, looked for in `PATH`, and its arguments.
  ///   - environment: variables to set, or to take away (nil), on top of this process's.
  ///   - seconds: after this time the program is stopped.
  /// - Returns: what it wrote to standard output.
  /// - Throws: ``LauncherError/child(command:message:)`` when it cannot be started, fails or takes too long.
  static func output(
    _ words: [String], environment: [String: String?] = [:], seconds: Double = 60
  ) async throws -> String {
    func failure(_ message: String) -> LauncherError {
      .child(command: ShellQuoting.line(words), message: message)
    }
    let changes = Dictionary(
      uniqueKeysWithValues: environment.compactMap { name, value in
        Environment.Key(rawValue: name).map { ($0, value) }
      })
    let program: Executable =
      words[0].contains("/") ? .path(.init(words[0])) : .name(words[0])
    return try await withThrowingTaskGroup(of: String?.self) { group in
      group.addTask {
        let limit = 1 << 20
        let result = try await Subprocess.run(
          program, arguments: Arguments(Array(words.dropFirst())),
          environment: .inherit.updating(changes), output: .string(limit: limit),
          error: .string(limit: limit))
        guard result.terminationStatus.isSuccess else {
          let text = result.standardError.split(whereSeparator: \.isNewline).prefix(12)
          throw failure(
            "ended with \(result.terminationStatus)" + text.map { "\n     " + $0 }.joined())
        }
        return result.standardOutput
      }
      group.addTask {
        try await Task.sleep(for: .seconds(seconds))
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let output = first else {
        throw failure("did not end within \(Int(seconds)) s")
      }
      return output
    }
  }
}
