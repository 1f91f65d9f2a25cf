import Foundation
import Subprocess
import Testing

/// Everything that starts `apus`: one command at a time, since training keeps all cores busy.
@Suite("The apus command", .serialized) struct ApusTests {}

/// Runs the built command, with a limit on the time.
enum Apus {
  /// What a run left behind.
  struct Outcome: CustomStringConvertible {
    /// The exit code; nil when a signal ended it, as at the time limit.
    var code: Int?
    var output: String
    var errors: String

    var lines: [String] { output.split(whereSeparator: \.isNewline).map(String.init) }

    /// The lines that ranks wrote about an error, such as `[rank 1/2] ...`.
    func errors(ofRank rank: Int, of size: Int) -> [String] {
      errors.split(whereSeparator: \.isNewline).map(String.init)
        .filter { $0.hasPrefix("[rank \(rank)/\(size)] ") }
    }

    var description: String {
      "exit code \(code.map { "\($0)" } ?? "none: ended by a signal, as at the time limit")"
        + "\n--- output\n\(output)\n--- errors\n\(errors)"
    }
  }

  /// The executable, which the build puts next to the test bundle. On Linux the bundle is the program
  /// that runs; elsewhere it is an argument of the program.
  static let path: String = {
    let bundle =
      CommandLine.arguments.first { $0.hasSuffix(".xctest") }.map { URL(fileURLWithPath: $0) }
      ?? Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return bundle.resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("apus").path
  }()

  /// Variables that would change what the command does, all unset.
  private static let neutral: [String: String?] = [
    "OPENBLAS_CORETYPE": nil, "OPENBLAS_NUM_THREADS": nil, "OMP_NUM_THREADS": nil,
    "OMPI_ALLOW_RUN_AS_ROOT": nil, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": nil,
    "OMPI_MCA_btl_vader_single_copy_mechanism": nil,
  ].merging(variables(["SLURM_", "PBS_"]).map { ($0, nil) }) { $1 }

  /// Names in this process's environment that begin with one of `prefixes`.
  static func variables(_ prefixes: [String]) -> [String] {
    ProcessInfo.processInfo.environment.keys.filter { name in
      prefixes.contains { name.hasPrefix($0) }
    }
  }

  /// Runs `apus arguments...`.
  ///
  /// - Parameters:
  ///   - arguments: of the command.
  ///   - environment: set on top of this process's, from which what changes the command is taken out.
  ///   - removed: more variables that are taken out.
  ///   - seconds: then the command counts as hanging, and is stopped.
  /// - Returns: how it ended, and what it wrote.
  /// - Throws: what starting it throws.
  static func run(
    _ arguments: [String], environment: [String: String] = [:], without removed: [String] = [],
    seconds: Int = 180
  ) async throws -> Outcome {
    try #require(FileManager.default.isExecutableFile(atPath: path), "build the product apus first")
    var options = PlatformOptions()
    // mpirun ends its ranks when it is told to end.
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(3))]
    let changes = Dictionary(
      uniqueKeysWithValues: neutral.merging(removed.map { ($0, nil) }) { $1 }
        .merging(environment) { $1 }.compactMap { name, value in
          Environment.Key(rawValue: name).map { ($0, value) }
        })
    let task = Task { [options] in
      try await Subprocess.run(
        .path(.init(path)), arguments: Arguments(arguments),
        environment: .inherit.updating(changes), platformOptions: options,
        output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    }
    let alarm = Task {
      try await Task.sleep(for: .seconds(seconds))
      task.cancel()
    }
    defer { alarm.cancel() }
    let result = try await task.value
    let code: Int? = if case .exited(let code) = result.terminationStatus { Int(code) } else { nil }
    return Outcome(code: code, output: result.standardOutput, errors: result.standardError)
  }

  /// Trains into a folder of its own with `--json`, and reads the last line.
  static func train(_ arguments: [String]) async throws -> (result: Result, outcome: Outcome) {
    try await TemporaryFolder.use { folder in
      let outcome = try await run(
        ["train", "--json", "--out", folder + "/out", "--progress", "lines"] + arguments)
      try #require(outcome.code == 0, "\(outcome)")
      let line = try #require(outcome.lines.last, "\(outcome)")
      let result = try JSONDecoder().decode(Result.self, from: Data(line.utf8))
      #expect(FileManager.default.fileExists(atPath: result.checkpoint), "\(outcome)")
      return (result, outcome)
    }
  }

  /// The object that `--json` prints, as far as it is promised.
  struct Result: Decodable {
    var ranks: Int
    var threads: Int
    var epochs: Int
    var loss: Double
    var accuracy: Double
    var valLoss: Double?
    var valAccuracy: Double?
    var seconds: Double
    var samplesPerSecond: Double
    var weightsSHA256: String
    var trainSamples: Int
    var valSamples: Int
    var checkpoint: String
  }
}

/// Folders that are gone after a test.
enum TemporaryFolder {
  static func use<R>(_ body: (String) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("apus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
  }
}
