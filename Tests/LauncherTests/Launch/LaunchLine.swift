import Foundation
import Testing

/// A command line of `apus run`, and what `--dry-run` prints for it. `APUS` stands for the command's path.
struct LaunchLine: Sendable, CustomTestStringConvertible {
  var options: String
  /// As `--assume` has it, on top of a plain machine with 8 cores, called node-1.
  var machine = ""
  var environment: [String: String] = [:]
  /// Contents of files; `{NAME}` in options and variables stands for the path of one.
  var files: [String: String] = [:]
  /// The words after `env` and the variables that say threads; nil for an error.
  var command: String?
  /// A part of standard error.
  var note: String?
  /// Lines of the map, without the first.
  var map: [String]?

  var testDescription: String {
    ([options] + environment.map { "\($0)=\($1)" }).joined(separator: " ")
  }

  func check() async throws {
    try await TemporaryFolder.use { folder in
      func located(_ text: String) -> String {
        files.keys.reduce(text) { $0.replacingOccurrences(of: "{\($1)}", with: "\(folder)/\($1)") }
      }
      for (name, text) in files {
        try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
      }
      let plain = "root=no,container=no,cma=yes,shared=no,host=node-1,cores=8"
      let words = located(options).split(separator: " ").map(String.init)
      let outcome = try await Apus.run(
        ["run", "--dry-run", "--assume", machine.isEmpty ? plain : "\(plain),\(machine)"] + words,
        environment: environment.mapValues(located), without: Self.forwarded)
      if let note {
        #expect(outcome.errors.contains(located(note)), "\(outcome)")
      }
      guard let command else {
        #expect(outcome.code == 64 || outcome.code == 1, "\(outcome)")
        #expect(outcome.output.isEmpty && outcome.errors.hasPrefix("Error: "), "\(outcome)")
        return
      }
      #expect(outcome.code == 0, "\(outcome)")
      let line = outcome.lines.last?.replacingOccurrences(of: Apus.path, with: "APUS")
      #expect(line == "env " + command, "\(outcome)")
      if let map {
        let rows = outcome.lines.dropFirst().prefix { $0.hasPrefix("# ") }.map {
          $0.dropFirst(2).split(separator: " ").joined(separator: " ")
        }
        #expect(rows == map, "\(outcome)")
      }
    }
  }

  /// What a machine that runs the tests may have set, and would show in command lines.
  static let forwarded = Apus.variables([
    "APUS_", "OPENBLAS_", "OMP_", "OMPI_", "PMIX_", "UCX_", "FI_", "LD_LIBRARY_PATH", "LANG",
    "LC_ALL", "TZ", "HOME",
    "LOGNAME", "SHELL", "TERM", "TMPDIR", "USER",
  ])
}
