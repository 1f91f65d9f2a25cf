import ArgumentParser
import Dist
import Engine
import Foundation

/// Measures training steps, and what they are made of.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures training steps, and what they are made of.",
    discussion: """
      Compare only what ran in turn on a quiet machine, several times, with OPENBLAS_CORETYPE unset: single \
      times on shared machines differ by 15 to 50 %. docs/performance.md says how the tables are made.

      Examples:
        apus bench train --workload mlp --threads 1
        apus bench train --workload cnn -n 2 --json
        apus bench train --workload transformer --profile
      """,
    subcommands: [
      BenchTrain.self, BenchCompile.self, BenchGEMM.self, BenchKernels.self, BenchAllReduce.self,
      BenchScaling.self, BenchSteps.self,
    ])
}

/// `bench train`
struct BenchTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Times the steps of a model through Model.fit.",
    discussion: """
      mlp: 784-512-512-10, batch 128, Adam. mlp_small: 784-32-10, batch 32, SGD. cnn: two 3x3 convolutions and two \
      dense layers on 28x28, batch 64, Adam. transformer: two causal blocks of width 128 on 64 tokens, batch 16, \
      AdamW. Batches are those of a rank; data are random.
      """)

  @Option(help: "The model: \(Workload.names).")
  var workload = Workload.mlp

  @Option(help: PrecisionPolicy.help)
  var precision = PrecisionPolicy.float32

  @Option(help: GradientMessages.help)
  var gradients = GradientMessages.float32

  @Option(parsing: .unconditional, help: "Timed blocks of steps; the median counts.")
  var blocks = 7

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @Flag(help: "Print instead where the time of a step goes, by instruction and by kernel.")
  var profile = false

  @OptionGroup(title: "Launching") var launch: LaunchOptions

  func validate() throws {
    if blocks < 1 { throw ValidationError("--blocks \(blocks): at least 1 is needed") }
  }

  func run() throws {
    guard try launch.runsHere() else { return try launch.start(command) }
    let (workload, precision, blocks) = (workload, precision, blocks)
    let (json, profile, threads) = (json, profile, launch.threads)
    let reduction = BucketedAllReduce(hook: gradients.hook)
    try withStrategy(.mpi, gradientReduction: reduction) {
      let bench = try TrainBench(workload, threads: threads, precision: precision)
      if profile {
        let report = ProfileReport(try bench.profile(), workload)
        if bench.isChief { Console.print(json ? try BenchJSON.line(report) : report.table) }
      } else {
        let report = try bench.measure(blocks: blocks)
        if bench.isChief { Console.print(json ? try BenchJSON.line(report) : report.table) }
      }
    }
  }

  /// This command as each rank runs it.
  private var command: [String] {
    var words = [
      "bench", "train", "--workload", workload.rawValue, "--precision", precision.rawValue,
      "--blocks", "\(blocks)",
    ]
    if gradients != .float32 { words += ["--gradients", gradients.rawValue] }
    if json { words.append("--json") }
    if profile { words.append("--profile") }
    return [ProgramStart.ownPath()] + words + launch.threadArguments
  }
}

/// `bench compile`
struct BenchCompile: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile",
    abstract: "Times what comes before the first step, for every workload and two deep networks.",
    discussion: """
      resnet50: a functional model, batch 2 of 64x64 images. transformer24: 24 causal blocks of width 256 on 64 \
      tokens, batch 2.
      """)

  @Option(parsing: .unconditional, help: "Threads that the plans are cut for.")
  var threads = 1

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  func validate() throws { try checkThreads(threads) }

  func run() throws {
    ComputeThreads.set(threads)
    let report = try CompileBench.measure()
    Console.print(json ? try BenchJSON.line(report) : report.table)
  }
}

/// `bench gemm`
struct BenchGEMM: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gemm", abstract: "Times the matrix products of the four models.")

  @Option(
    parsing: .unconditional, help: "The most threads: 1, 2, 4 ... of them. (default: all cores)")
  var threads: Int?

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @Flag(help: "Find this CPU's sizes of blocks for the table in gemm_sizes.c. (some minutes)")
  var tune = false

  func validate() throws {
    try checkThreads(threads)
    if tune, threads != nil {
      throw ValidationError("--tune measures one thread: leave out --threads")
    }
  }

  func run() throws {
    if tune {
      let report = try GEMMTuning.measure()
      return Console.print(json ? try BenchJSON.line(report) : report.text)
    }
    let report = try GEMMBench.measure(threads: threads ?? Machine.detect().cores)
    Console.print(json ? try BenchJSON.line(report) : report.table)
  }
}

/// `bench kernels`
struct BenchKernels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Times single operations, beside what a core and its memory can do.")

  @Option(parsing: .unconditional, help: "Threads to compute with.")
  var threads = 1

  @Option(
    parsing: .unconditional,
    help: "Elements of the arrays. (default: 65,536 and 4,194,304: in a core's cache, and in none)")
  var elements: Int?

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  func validate() throws {
    try checkThreads(threads)
    if let elements, elements < KernelBench.rowLength {
      throw ValidationError(
        "--elements \(elements): at least a row of \(KernelBench.rowLength) is needed")
    }
  }

  func run() throws {
    let report = try KernelBench.measure(
      threads: threads, sizes: elements.map { [$0] } ?? [1 << 16, 1 << 22])
    Console.print(json ? try BenchJSON.line(report) : report.table)
  }
}

/// `bench allreduce`
struct BenchAllReduce: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allreduce",
    abstract:
      "Times the sum over ranks of float32 arrays, in place. (2 ranks unless -n says otherwise)"
  )

  @Option(parsing: .unconditional, help: "The largest array in KiB, at least 1.")
  var largest = 65536

  @Flag(help: "Time sums by messages instead, in each form that gradients can have on their way.")
  var hooks = false

  @Flag(help: "Print one JSON object on one line.")
  var json = false

  @OptionGroup(title: "Launching") var launch: LaunchOptions

  func validate() throws {
    if largest < 1 { throw ValidationError("--largest \(largest): at least 1 KiB is needed") }
  }

  func run() throws {
    var launch = launch
    if Launch.detect(in: ProcessInfo.processInfo.environment) == nil, !launch.asksForRanks {
      launch.ranks = 2
    }
    guard try launch.runsHere() else { return try launch.start(command) }
    let (largest, hooks, json) = (largest, hooks, json)
    try withStrategy(.mpi) {
      if hooks {
        let report = try HookBench.measure(
          DistributionContext.strategy.communicator, largest: largest << 10)
        guard DistributionContext.strategy.isChief else { return }
        return Console.print(json ? try BenchJSON.line(report) : report.table)
      }
      let report = try AllReduceBench.measure(
        DistributionContext.strategy.communicator, largest: largest << 10)
      guard DistributionContext.strategy.isChief else { return }
      Console.print(json ? try BenchJSON.line(report) : report.table)
    }
  }

  private var command: [String] {
    let words =
      ["bench", "allreduce", "--largest", "\(largest)"] + (hooks ? ["--hooks"] : [])
      + (json ? ["--json"] : [])
    return [ProgramStart.ownPath()] + words + launch.threadArguments
  }
}

/// `bench steps`: a fixed number of steps and nothing else, for programs that count instructions.
struct BenchSteps: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "steps", abstract: "Trains for a fixed number of steps, without measuring.",
    shouldDisplay: false)

  @Option var workload = Workload.mlpSmall
  @Option(parsing: .unconditional, help: "A multiple of \(TrainBench.epochSteps).") var steps = 100
  @Option(parsing: .unconditional, help: "Samples of a step.") var rows: Int?
  @Flag(help: "Each step alone, by trainOnBatch.") var alone = false

  func validate() throws {
    if steps < TrainBench.epochSteps || steps % TrainBench.epochSteps != 0 {
      throw ValidationError("--steps \(steps): expected a multiple of \(TrainBench.epochSteps)")
    }
    if let rows, rows < 1 { throw ValidationError("--rows \(rows): at least 1 is needed") }
  }

  func run() throws {
    let (workload, steps, rows, alone) = (workload, steps, rows, alone)
    try withStrategy(.single) {
      let bench = try TrainBench(workload, threads: 1, rows: rows)
      let loss = alone ? try bench.trainAlone(steps: steps) : try bench.train(steps: steps)
      Console.print(String(format: "loss %.6f", loss))
    }
  }
}

func checkThreads(_ threads: Int?) throws {
  if let threads, threads < 1 {
    throw ValidationError("--threads \(threads): at least 1 is needed")
  }
  if let threads, threads > ComputeThreads.most {
    throw ValidationError(
      "--threads \(threads): a rank can have at most \(ComputeThreads.most) threads")
  }
}
