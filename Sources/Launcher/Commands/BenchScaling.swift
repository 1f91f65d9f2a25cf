import ArgumentParser
import Dist
import Engine
import Foundation

extension SumWay: ExpressibleByArgument {}

/// `bench scaling`
struct BenchScaling: ParsableCommand {
  /// What `--strong` and `--weak` say.
  enum Scaling: String, EnumerableFlag {
    /// Each rank has a batch of its own.
    case weak
    /// All ranks share one batch.
    case strong
  }

  static let configuration = CommandConfiguration(
    commandName: "scaling",
    abstract: "Predicts the time of a step on many ranks.",
    discussion: """
      Measures the kernels of a step on one rank, in this process, and replays them with the messages of gradients that the plan of \
      each number of ranks has, over a network that --network and --latency describe. As ranks of a job (apus run -n 2 -- apus bench \
      scaling) it measures what joins them as well, and the step itself, and prints both. docs/scaling.md says what is reckoned.

      Examples:
        apus bench scaling --workload cnn --network 100Gb/s --latency 5us --ranks-per-node 8
        apus bench scaling --workload resnet50 --save-profile resnet50.json
        apus run --hosts a,b -- apus bench scaling --workload mlp
      """)

  @Option(help: "The model: \(ScalingNetwork.names).")
  var workload = ScalingNetwork.workload(.mlp)

  @Option(help: "Numbers of ranks. (default: 1,2,4 ... 1024; in a job its own)")
  var ranks: NumberList?

  @Option(
    parsing: .unconditional,
    help: "Ranks of a node; nodes are filled in order. (default: 1; in a job its own)")
  var ranksPerNode: Int?

  @Flag(help: "Each rank has a batch of its own, or all share one.")
  var scaling = Scaling.weak

  @Option(
    parsing: .unconditional,
    help:
      "Samples of a step: of a rank, or with --strong of all. (default: the model's; with --strong 1024)"
  )
  var batch: Int?

  @Option(
    help:
      "What a node sends and receives, as 10Gb/s or 1.2GB/s. (default: 10Gb/s; in a job measured)")
  var network: TransferSpeed?

  @Option(
    help: "The time of a short message between nodes, as 30us. (default: 30us; in a job measured)")
  var latency: TimeSpan?

  @Option(
    help:
      "Speed of sums in a node's memory: bytes of the array. (default: 20GB/s; in a job of one node measured)"
  )
  var memory: TransferSpeed?

  @Option(help: "Speed at which a thread copies into and out of sockets. (default: measured)")
  var copying: TransferSpeed?

  @Option(
    help:
      "How nodes add up: messages (MPI's all-reduce among all ranks), or leaders (one rank of each node sends)."
  )
  var way = SumWay.messages

  @Option(
    parsing: .unconditional,
    help: "How many times as long kernels take when all ranks of a node compute.")
  var contention = 1.0

  @Option(
    parsing: .unconditional,
    help: "Standard deviation of the ranks' speeds, as 0.05: sums wait for the slowest.")
  var jitter = 0.0

  @Option(parsing: .unconditional, help: "Of the random numbers of --jitter.")
  var seed: UInt64 = 1

  @Option(parsing: .unconditional, help: "Threads of each rank.")
  var threads = 1

  @Option(help: "Take the times of kernels from this file instead of measuring them.")
  var profileFile: String?

  @Option(help: "Write the times of kernels to this file.")
  var saveProfile: String?

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @Flag(
    name: .customLong("dry-run"),
    help: "Print what would be measured and which messages a step has; measure nothing.")
  var isDryRun = false

  func validate() throws {
    try checkThreads(threads)
    for ranks in ranks?.numbers ?? [] where ranks < 1 || ranks > 1 << 20 {
      throw ValidationError("--ranks \(ranks): expected numbers from 1 to \(1 << 20)")
    }
    if let ranksPerNode, ranksPerNode < 1 {
      throw ValidationError("--ranks-per-node \(ranksPerNode): at least 1 is needed")
    }
    if let batch, batch < 1 { throw ValidationError("--batch \(batch): at least 1 is needed") }
    guard contention >= 1, contention.isFinite else {
      throw ValidationError("--contention \(contention): expected 1 (none) or more")
    }
    guard jitter >= 0, jitter < 1 else {
      throw ValidationError("--jitter \(jitter): expected a share from 0 to 1")
    }
    if let ranks { try checkShares(ranks.numbers) }
    if profileFile != nil, saveProfile != nil {
      throw ValidationError("--save-profile writes what was measured: leave out --profile-file")
    }
  }

  private func checkShares(_ ranks: [Int]) throws {
    guard scaling == .strong else { return }
    for count in ranks {
      guard count <= samples else {
        throw ValidationError(
          "--ranks \(count): there are \(samples) samples only; raise --batch, or leave out --strong"
        )
      }
      guard samples.isMultiple(of: count) else {
        throw ValidationError(
          "--ranks \(count): \(samples) samples cannot be shared equally; choose a --batch that is a multiple of \(count)"
        )
      }
    }
  }

  /// Samples of a step.
  private var samples: Int { batch ?? (scaling == .strong ? 1024 : workload.batch) }

  func run() throws {
    let profile = try readProfile()
    if isDryRun { return try printPlan(profile) }
    guard Launch.detect(in: ProcessInfo.processInfo.environment) != nil else {
      return try predict(profile, job: nil)
    }
    let command = self
    try withStrategy(.mpi) { try command.predict(profile, job: ScalingJob()) }
  }

  private func question(_ job: ScalingJob?) throws -> ScalingQuestion {
    let ranks = ranks?.numbers ?? job.map { [1, $0.size] } ?? (0...10).map { 1 << $0 }
    try checkShares(ranks)
    return ScalingQuestion(
      network: workload, ranks: ranks, batch: samples, isStrong: scaling == .strong,
      ranksPerNode: ranksPerNode ?? job?.ranksPerNode ?? 1, way: way, contention: contention,
      jitter: jitter, seed: seed)
  }

  private func predict(_ known: ScalingProfile?, job: ScalingJob?) throws {
    let question = try question(job)
    let profile =
      try known ?? .measure(workload, rows: question.allRows, threads: threads)
    ComputeThreads.set(threads)
    var costs = try job?.measureCosts() ?? TransportProbe.measure(ClusterCosts())
    costs = given(costs)
    let measured = try job.map {
      (ranks: $0.size, seconds: try $0.measureStep(workload, rows: question.rows(ranks: $0.size)))
    }
    guard job?.isChief ?? true else { return }
    if let saveProfile { try save(profile, to: saveProfile) }
    let report = try ScalingReport(question, profile, costs, measured: measured)
    Console.print(json ? try BenchJSON.line(report) : report.table)
  }

  /// `costs` with what the options say.
  private func given(_ costs: ClusterCosts) -> ClusterCosts {
    var costs = costs
    costs.latency = latency?.seconds ?? costs.latency
    costs.bandwidth = network?.bytesPerSecond ?? costs.bandwidth
    costs.memoryBandwidth = memory?.bytesPerSecond ?? costs.memoryBandwidth
    costs.copying = copying?.bytesPerSecond ?? costs.copying
    return costs
  }

  private func readProfile() throws -> ScalingProfile? {
    guard let path = profileFile else { return nil }
    let profile: ScalingProfile
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      profile = try JSONDecoder().decode(ScalingProfile.self, from: data)
    } catch {
      throw LauncherError.launch(
        message: "--profile-file \(path): cannot be read as what --save-profile writes: \(error)")
    }
    guard profile.network == workload.name else {
      throw LauncherError.launch(
        message:
          "--profile-file \(path): is of \(profile.network), but --workload is \(workload.name)")
    }
    guard profile.threads == threads else {
      throw LauncherError.launch(
        message:
          "--profile-file \(path): is of \(counted(profile.threads, "thread")), but --threads is \(threads)"
      )
    }
    return profile
  }

  private func save(_ profile: ScalingProfile, to path: String) throws {
    do {
      try JSONEncoder().encode(profile).write(to: URL(fileURLWithPath: path))
    } catch {
      throw LauncherError.launch(message: "--save-profile \(path): cannot be written: \(error)")
    }
  }

  private func printPlan(_ profile: ScalingProfile?) throws {
    let question = try question(nil)
    let rows = ScalingProfile.measured(question.allRows, workload).map(String.init)
    Console.print(
      profile == nil
        ? "would measure: kernels of \(workload.name) on \(rows.joined(separator: ", ")) samples, on "
          + "\(counted(threads, "thread")), alone and with buckets; adding, copying through sockets"
        : "would measure: adding, copying through sockets; kernels come from \(profileFile ?? "")")
    Console.print(
      "would take\n\(given(ClusterCosts()).lines)")
    var table = TextTable(["ranks", "nodes", "batch each", "messages", "bytes", "hops"])
    for ranks in question.ranks {
      let messages = try question.messages(ranks: ranks)
      let layout = question.layout(ranks: ranks)
      let rounds = SumRounds(layout, way, given(ClusterCosts()))
      table.add([
        "\(ranks)", "\(layout.nodes)", "\(question.rows(ranks: ranks))", "\(messages.count)",
        "\(messages.reduce(0) { $0 + $1.byteCount })",
        "\(messages.reduce(0) { $0 + rounds.hops(of: $1).count })",
      ])
    }
    Console.print(table.text)
  }
}
