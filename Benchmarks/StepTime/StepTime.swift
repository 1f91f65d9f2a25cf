import ArgumentParser
import Dist
import Engine
import Foundation

/// Times training steps through the public `Model.fit` and prints one JSON line.
@main
struct StepTime: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "StepTime",
    abstract: "The time of a training step of four models, as one JSON line.",
    discussion: """
      Run it under mpirun for several ranks. Compare only what ran in turn, on a quiet machine, several times, with \
      OPENBLAS_CORETYPE unset.
      """)

  @Option(help: "One of \(Workload.allCases.map(\.rawValue).joined(separator: ", ")).")
  var workload = "mlp"
  @Option(help: "Threads of a rank.")
  var threads = 1
  @Option(help: "Timed blocks; the median counts.")
  var blocks = 7
  @Flag(help: "Print the time of each instruction of the step instead (rank 0).")
  var profile = false

  func validate() throws {
    guard Workload(rawValue: workload) != nil else {
      throw ValidationError("unknown workload \(workload)")
    }
  }

  func run() throws {
    let (name, threads, blocks, isProfile) = (workload, threads, blocks, profile)
    try withStrategy(.mpi) {
      guard let workload = Workload(rawValue: name) else { return }
      ComputeThreads.set(threads)
      try Self.run(workload, threads: threads, blocks: blocks, isProfile: isProfile)
    }
  }

  private static func run(
    _ workload: Workload, threads: Int, blocks: Int, isProfile: Bool
  ) throws {
    let communicator = DistributionContext.strategy.communicator
    let batch = workload.batch * communicator.size
    let data = workload.makeData(rows: 16 * batch, seed: 1234)
    let model = workload.makeModel()
    func train(_ epochs: Int) throws -> Double? {
      let history = try model.fit(
        x: data.x, y: data.y, batchSize: batch, epochs: epochs, verbose: .silent)
      return history.history["loss"]?.last
    }
    let first = try train(2)
    if isProfile {
      if communicator.rank == 0 { print(try model.profileOfLastStep(repetitions: 20)) }
      return
    }
    let epochs = max(1, workload.steps / 16)
    let clock = ContinuousClock()
    var times: [Double] = []
    var last: Double?
    for _ in 0..<blocks {
      let duration = try clock.measure { last = try train(epochs) }.components
      let seconds = Double(duration.seconds) + Double(duration.attoseconds) * 1e-18
      times.append(seconds / Double(16 * epochs))
    }
    guard communicator.rank == 0 else { return }
    let step = times.sorted()[times.count / 2]
    let fields: [(String, String)] = [
      ("peer", "\"apus\""), ("workload", "\"\(workload.rawValue)\""),
      ("ranks", "\(communicator.size)"), ("threads", "\(threads)"),
      ("batch_per_rank", "\(workload.batch)"), ("steps", "\(blocks * 16 * epochs)"),
      ("samples_per_s", String(format: "%.1f", Double(batch) / step)),
      ("step_ms", String(format: "%.4f", step * 1e3)),
      ("step_ms_min", String(format: "%.4f", (times.min() ?? 0) * 1e3)),
      ("peak_rss_mb", String(format: "%.1f", peakMegabytes)),
      (
        "gflops",
        String(format: "%.1f", workload.flops(batch: batch) / step / 1e9)
      ),
      ("loss_first", String(format: "%.4f", first ?? .nan)),
      ("loss_last", String(format: "%.4f", last ?? .nan)),
    ]
    print("{" + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}")
  }

  private static var peakMegabytes: Double {
    var usage = rusage()
    getrusage(0, &usage)  // 0: RUSAGE_SELF, whose type differs between C libraries
    return Double(usage.ru_maxrss) / 1024
  }
}
