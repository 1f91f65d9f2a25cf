import ArgumentParser
import Engine
import Foundation

/// Shows what a training step is made of.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what a training step is compiled to.", subcommands: [InspectPlan.self])
}

/// `inspect plan`
struct InspectPlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Prints the plan of a training step, and how it came about.",
    discussion: """
      A plan has a line an instruction: what it writes, the kernel, what it reads, each value with its type and \
      shape.
      """)

  @Option(help: "The model: \(Workload.names).")
  var workload = Workload.mlp

  @Option(parsing: .unconditional, help: "Samples of a step. (default: the model's batch)")
  var rows: Int?

  @Flag(help: "Print the graph as it was traced as well.")
  var before = false

  @Flag(help: "Print the graph after each pass as well.")
  var passes = false

  @Option(
    parsing: .unconditional, help: "The step of one of this many ranks, with the sums of gradients."
  )
  var ranks = 1

  @Option(
    parsing: .unconditional,
    help: "Bytes of a bucket of gradients. (default: what suits messages among as many ranks)")
  var bucketBytes: Int?

  @Option(help: GradientMessages.help)
  var gradients = GradientMessages.float32

  @Flag(
    help: """
      Check that what is read was written, nothing is overwritten too early, and sums are undisturbed.
      """)
  var verify = false

  func validate() throws {
    if let rows, rows < 1 { throw ValidationError("--rows \(rows): at least 1 is needed") }
    if ranks < 1 { throw ValidationError("--ranks \(ranks): at least 1 is needed") }
    if let bucketBytes, bucketBytes < 0 {
      throw ValidationError("--bucket-bytes \(bucketBytes): at least 0 is needed")
    }
    if ranks > (rows ?? workload.batch) {
      throw ValidationError("--ranks \(ranks): there are \(rows ?? workload.batch) samples only")
    }
  }

  func run() throws {
    let rows = rows ?? workload.batch
    let data = workload.makeData(rows: rows, seed: 1)
    let strategy: any DistributionStrategy =
      ranks == 1
      ? SingleProcess.shared
      : FixedStrategy(
        EqualRanks(size: ranks),
        gradientReduction: BucketedAllReduce(
          limits: bucketBytes.map { BucketLimits(bytes: $0) }, hook: gradients.hook))
    let traced = try DistributionContext.$strategy.withValue(strategy) {
      try withErrors {
        try workload.makeModel().traceTrainingStep(x: data.x, y: data.y, batchSize: rows)
      }
    }
    var stages = [("traced", traced)]
    for pass in Passes.standard { stages.append((pass.name, pass.run(stages[stages.count - 1].1))) }
    let plan = try Plan(traced)
    var summary = TextTable(["", "operations"])
    for (name, graph) in stages { summary.add([name, "\(graph.nodes.count)"]) }
    summary.add(["plan", "\(plan.instructions.count)"])
    Console.print("A training step of \(workload.rawValue) on \(rows) samples\n\(summary.text)")
    Console.print(
      "  Operations of the plan are instructions; its arena has \(plan.arenaBytes) bytes.")
    if ranks > 1 { printMessages(of: plan) }
    if verify {
      let faults = PlanVerifier.faults(in: plan.layout)
      Console.print(
        faults.isEmpty
          ? "  Verified: every value is read where and when it stands there."
          : "  Faults:\n" + faults.map { "  - " + $0 }.joined(separator: "\n"))
      guard faults.isEmpty else { throw ExitCode.failure }
    }
    for (index, (name, graph)) in stages.enumerated() where index == 0 ? before : passes {
      Console.print("\n\(name):\n\(graph)")
    }
    Console.print("\nplan:\n\(plan)")
  }

  /// What a rank sends of gradients.
  private func printMessages(of plan: Plan) {
    var table = TextTable(["messages", "bytes", "sent by a rank"])
    let messages = plan.gradientMessages
    for message in messages {
      table.add([message.text, "\(message.byteCount)", "\(message.sentByteCount)"])
    }
    table.add(
      [
        "in all", "\(messages.reduce(0) { $0 + $1.byteCount })",
        "\(messages.reduce(0) { $0 + $1.sentByteCount })",
      ])
    Console.print("\n\(table.text)")
  }
}
