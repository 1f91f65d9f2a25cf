import Foundation
import Subprocess
import Testing

/// Every program of `Examples` learns, alone and on two ranks: one job at a time, since each keeps the cores busy.
@Suite("Examples", .serialized)
struct ExampleTests {
  private static let hasMPI =
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/mpirun")
    }

  @Test("learn alone", arguments: Example.all)
  func alone(example: Example) async throws {
    try await expectLearning(example) { [$0] }
  }

  @Test(
    "learn on two ranks",
    .enabled(if: hasMPI, "mpirun is not installed (openmpi-bin), so ranks were not tested"),
    arguments: Example.all)
  func twoRanks(example: Example) async throws {
    try await expectLearning(example) {
      ["mpirun", "--oversubscribe", "--mca", "mpi_yield_when_idle", "1", "-n", "2", $0]
    }
  }

  @Test("every folder of Examples is run, or needs what the package does not have")
  func complete() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("Examples").path)
    let needsPython = ["ImportWeights"]
    #expect(folders.sorted() == (Example.all.map(\.name) + needsPython).sorted())
  }

  @Test("every README says how to run the example", arguments: Example.all)
  func readme(example: Example) throws {
    let file = Self.root.appendingPathComponent("Examples/\(example.name)/README.md")
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.contains("swift run -c release \(example.name)"))
    #expect(text.contains("mpirun -n"))
  }

  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Runs an example on tiny settings in a folder of its own, where it may write.
  private func expectLearning(
    _ example: Example, _ command: (String) -> [String]
  ) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("apus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let words = command(Self.path(of: example)) + ["--tiny"]
    let result = try await Subprocess.run(
      words[0].contains("/") ? .path(.init(words[0])) : .name(words[0]),
      arguments: Arguments(Array(words.dropFirst())),
      environment: .inherit.updating([
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "APUS_WAIT_LIMIT": "60",
      ]),
      workingDirectory: .init(folder.path), output: .string(limit: 1 << 20),
      error: .string(limit: 1 << 20))
    guard case .exited(0) = result.terminationStatus else {
      Issue.record("\(result.terminationStatus)\n\(result.standardError)")
      return
    }
    let numbers = try example.numbers(in: result.standardOutput)
    #expect(example.hasLearned(numbers), "\(numbers) in\n\(result.standardOutput)")
  }

  /// The executable, which the build puts next to the test bundle. On Linux the bundle is the program that runs;
  /// elsewhere it is an argument of the program.
  private static func path(of example: Example) -> String {
    let bundle =
      CommandLine.arguments.first { $0.hasSuffix(".xctest") }.map { URL(fileURLWithPath: $0) }
      ?? Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return bundle.resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent(example.name).path
  }
}
