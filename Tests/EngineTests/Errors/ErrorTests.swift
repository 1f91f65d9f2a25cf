import Engine
import Foundation
import Subprocess
import TestSupport
import Testing

@Suite("What a user does wrong")
struct ErrorTests {
  @Test("is thrown by withErrors, with its text", arguments: ErrorCase.all)
  func thrown(check: ErrorCase) {
    let error = #expect(throws: (any Error).self) { try withErrors { try check.body() } }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(check.text), "\(text)")
    #expect(!text.contains("\n"))
  }

  @Test(
    "ends a program with one line and exit code 1, in every build", .serialized,
    arguments: ErrorCase.all)
  func ends(check: ErrorCase) async throws {
    let result = try await Subprocess.run(
      .path(.init(Self.program)), arguments: [check.name], output: .string(limit: 1 << 20),
      error: .string(limit: 1 << 20))
    let lines = result.standardError.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(result.terminationStatus == .exited(1), "\(result.standardError)")
    #expect(lines.count == 2 && lines.last == "", "\(result.standardError)")
    #expect(lines[0].hasPrefix("Error: ") && lines[0].contains(check.text), "\(lines[0])")
    #expect(result.standardOutput == "", "nothing may run after the error")
  }

  @Test("a model that asks for an unknown name can be thrown where it is made")
  func names() throws {
    let check = try #require(ErrorCase.all.first { $0.name == "names" })
    let error = #expect(throws: EngineError.self) { try withErrors { try check.body() } }
    #expect(error.map { "\($0)" }?.contains("bad_loss asks for \"nosuch\"") == true)
  }

  @Test("a callback's error ends fit at that callback")
  func callback() {
    var epochs = 0
    let wrong = LambdaCallback(onEpochEnd: { _, _ in
      epochs += 1
      _ = Tensor.ones([2]).shape[1]
    })
    let model = Model(
      module: Linear(1), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
    #expect(throws: EngineError.self) {
      try model.fit(
        x: Tensor.ones([2, 2]), y: Tensor.ones([2, 1]), epochs: 5, verbose: .silent,
        callbacks: [wrong])
    }
    #expect(epochs == 1)
  }

  @Test("smallest and largest steps and bounds select what NumPy selects")
  func extremes() {
    let x = Tensor([1.0, 2, 3])
    #expect(x[.stride(by: .min)].scalars(as: Float.self) == [3])
    #expect(x[.stride(by: .max)].scalars(as: Float.self) == [1])
    #expect(x[1...Int.max].scalars(as: Float.self) == [2, 3])
    #expect(x[...Int.max].scalars(as: Float.self) == [1, 2, 3])
    #expect(Array(x.reshape([3, 1, 1]).shape[1...]) == [1, 1])
    #expect(Array(x.reshape([3, 1, 1]).shape[..<1]) == [3])
    #expect(Array(x.reshape([3, 1, 1]).shape[0...1]) == [3, 1])
  }

  /// The program of the checks, which the build puts next to the test bundle.
  private static let program = products.appendingPathComponent("ErrorChecks").path

  /// Where the build puts what it makes. On Linux the test bundle is the program that runs; elsewhere it is an argument of the
  /// program.
  static let products: URL = {
    let bundle =
      CommandLine.arguments.first { $0.hasSuffix(".xctest") }.map { URL(fileURLWithPath: $0) }
      ?? Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return bundle.resolvingSymlinksInPath().deletingLastPathComponent()
  }()
}
