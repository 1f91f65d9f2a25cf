import Foundation
import Subprocess
import Testing

/// Runs MPIChecks under `mpirun`, with a limit on the time.
enum MPIRun {
  /// What a run left behind.
  struct Outcome: CustomStringConvertible {
    /// The exit code; `nil` when a signal ended it, as at the time limit.
    var code: Int?
    var output: String
    var errors: String
    var seconds: Double

    /// How often ranks said `text`.
    func count(_ text: String) -> Int { errors.components(separatedBy: text).count - 1 }

    var description: String {
      "exit code \(code.map { "\($0)" } ?? "none (ended by a signal)") after "
        + "\(seconds) s\n--- output\n\(output)\n--- errors\n\(errors)"
    }
  }

  /// Seconds after which a run counts as hanging.
  static let limit = 120

  /// Whether `mpirun` is on the path.
  static let isAvailable: Bool = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return path.split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/mpirun")
    }
  }()

  /// Why tests are skipped when `mpirun` is absent.
  static let missing: Comment = "mpirun is not installed (openmpi-bin), so ranks were not tested"

  /// The executable of the checks, which the build puts next to the test bundle. On Linux the bundle
  /// is the program that runs; elsewhere it is an argument of the program.
  static let program: String = {
    let bundle =
      CommandLine.arguments.first { $0.hasSuffix(".xctest") }.map { URL(fileURLWithPath: $0) }
      ?? Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return bundle.resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("MPIChecks").path
  }()

  /// Runs a check on `ranks` ranks, or as one process without `mpirun` when `ranks` is `nil`.
  static func run(
    _ check: String, ranks: Int?, waitLimit: Int? = nil, allReduce: String? = nil
  ) async throws -> Outcome {
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw MissingProgram(path: program)
    }
    guard let ranks else { return try await start(program, [check], waitLimit: waitLimit) }
    return try await start(
      "mpirun",
      [
        "--oversubscribe", "--mca", "mpi_yield_when_idle", "1", "--timeout", "\(limit)",
        "-n", "\(ranks)", program, check,
      ], waitLimit: waitLimit, allReduce: allReduce)
  }

  private static func start(
    _ name: String, _ arguments: [String], waitLimit: Int? = nil, allReduce: String? = nil
  ) async throws -> Outcome {
    var options = PlatformOptions()
    // mpirun ends its ranks when it is told to end.
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(3))]
    let clock = ContinuousClock()
    let start = clock.now
    let task = Task { [options] in
      try await Subprocess.run(
        name.contains("/") ? .path(.init(name)) : .name(name), arguments: Arguments(arguments),
        environment: .inherit.updating([
          "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
          "APUS_WAIT_LIMIT": waitLimit.map { "\($0)" }, "APUS_ALLREDUCE": allReduce,
        ]),
        platformOptions: options, output: .string(limit: 1 << 20),
        error: .string(limit: 1 << 20))
    }
    // mpirun's own limit comes first; this one is for an mpirun that hangs itself.
    let alarm = Task {
      try await Task.sleep(for: .seconds(limit + 5))
      task.cancel()
    }
    defer { alarm.cancel() }
    let result = try await task.value
    let code: Int? = if case .exited(let code) = result.terminationStatus { Int(code) } else { nil }
    return Outcome(
      code: code, output: result.standardOutput, errors: result.standardError,
      seconds: (clock.now - start) / .seconds(1))
  }
}

/// The checks were not built.
struct MissingProgram: Error, CustomStringConvertible {
  var path: String

  var description: String { "\(path) is missing: build it with swift build --product MPIChecks" }
}
