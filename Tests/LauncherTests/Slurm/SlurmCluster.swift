import Foundation
import TensorsTestSupport
import Testing

/// A real Slurm of one node, which `scripts/slurm` starts and ends.
struct SlurmCluster {
  private let folder: String

  private static let script = SourceFiles.root + "/scripts/slurm"

  /// Whether Slurm is installed here, and this process may start it.
  static let isAvailable: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: script)
    process.arguments = ["available"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  /// Starts one, and ends it and all its jobs when `body` has ended.
  static func use(_ body: (SlurmCluster) async throws -> Void) async throws {
    try await TemporaryFolder.use { folder in
      let cluster = SlurmCluster(folder: folder)
      let started = try await cluster.sh("\"\(script)\" up \(folder)")
      try #require(started.code == 0, "\(started)")
      let result: Result<Void, any Error>
      do {
        result = .success(try await body(cluster))
      } catch {
        result = .failure(error)
      }
      let ended = try await cluster.sh("\"\(script)\" down \(folder)")
      #expect(ended.code == 0, "\(ended)")
      try result.get()
    }
  }

  /// A folder that jobs may write to.
  var scratch: String { folder }

  /// Runs a line of a shell, in which `apus` is this command and `$OUT` a folder.
  func sh(_ line: String, seconds: Int = 60) async throws -> Apus.Outcome {
    let setUp = "apus() { \"\(Apus.path)\" \"$@\"; }; OUT=\(folder)/out; APUS=\(Apus.path); cd /\n"
    return try await Apus.run(
      ["run", "--threads", "1", "--", "/bin/bash", "-c", setUp + line],
      environment: ["SLURM_CONF": folder + "/slurm.conf"], seconds: seconds)
  }

  /// Submits a script that runs `line`; both streams of the job go to a file.
  ///
  /// - Returns: the job's number.
  func submit(_ line: String, _ options: [String]) async throws -> Int {
    try ("#!/bin/bash\n" + line + "\n").write(
      toFile: folder + "/job.sh", atomically: true, encoding: .utf8)
    let words = options.joined(separator: " ")
    let outcome = try await sh(
      "sbatch --parsable --output=\(folder)/job.out --open-mode=append \(words) \(folder)/job.sh")
    return try #require(outcome.lines.last.flatMap { Int($0) }, "\(outcome)")
  }

  /// What the jobs that were submitted have written.
  var output: String {
    String(
      decoding: FileManager.default.contents(atPath: folder + "/job.out") ?? Data(), as: UTF8.self)
  }

  /// What `scontrol show job` says of a job: `JobState`, `ExitCode`, `Restarts`, ...
  func job(_ number: Int) async throws -> [String: String] {
    let text = try await sh("scontrol --oneliner show job \(number)").output
    let pairs: [(String, String)] = text.split(whereSeparator: \.isWhitespace).compactMap { word in
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
    return Dictionary(pairs) { first, _ in first }
  }

  /// Waits until a job is in one of some states, and no longer about to end.
  @discardableResult
  func wait(
    for number: Int, toBe states: String..., seconds: Double = 40
  ) async throws -> [String: String] {
    let limit = ContinuousClock.now + .seconds(seconds)
    while true {
      let job = try await job(number)
      if let state = job["JobState"], states.contains(state) { return job }
      try #require(
        ContinuousClock.now < limit, "job \(number) is \(job), not \(states); it wrote: \(output)")
      try await Task.sleep(for: .milliseconds(100))
    }
  }

  /// Waits until the jobs have written a text.
  func wait(forOutput text: String, seconds: Double = 40) async throws {
    let limit = ContinuousClock.now + .seconds(seconds)
    while !output.contains(text) {
      try #require(ContinuousClock.now < limit, "no '\(text)' in: \(output)")
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  /// Lines without what differs from run to run: numbers become `#`, the machine's name HOST, and notes about this machine are left out.
  static func masked(_ text: String) -> [String] {
    var host = [CChar](repeating: 0, count: 256)
    gethostname(&host, host.count)
    let full = String(
      decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let short = String(full.prefix { $0 != "." })
    let ofMachine = [
      "apus: running as root", "cross-memory attach", "not bound to cores", "bound to a core",
    ]
    return text.split(whereSeparator: \.isNewline).map(String.init)
      .filter { line in !ofMachine.contains { line.contains($0) } }
      .map { line in
        line.replacing(full, with: "HOST").replacing(short, with: "HOST")
          .replacing(/\d{4}-\d\d-\d\dT[\d:]+/, with: "DATE")
          .replacing(/\d+(\.\d+)?/, with: "#")
      }
  }
}
