import Dist
import Engine
import Foundation

/// Training of a workload on this rank, through the public `Model.fit` and `Model.trainOnBatch`. Every rank does the same.
struct TrainBench {
  /// Steps of an epoch of ``train(steps:)``.
  static let epochSteps = 10
  /// Different batches, as the other frameworks' scripts have them.
  private static let batches = 16

  private let workload: Workload
  private let threads: Int
  private let batchPerRank: Int
  private let strategy: any DistributionStrategy
  private let model: Model

  /// - Parameters:
  ///   - workload: model and data.
  ///   - threads: of this rank; nil for its share of the cores.
  ///   - rows: samples of a step on one rank; nil for the workload's own.
  ///   - precision: of the model.
  /// - Throws: ``EngineError`` where the data cannot be made or read.
  init(
    _ workload: Workload, threads: Int?, rows: Int? = nil, precision: PrecisionPolicy = .float32
  ) throws {
    self.workload = workload
    strategy = DistributionContext.strategy
    let session = (strategy as? MPIStrategy)?.session
    self.threads = threads ?? Machine.detect().threads(ofRanksHere: session?.localSize ?? 1)
    batchPerRank = rows ?? workload.batch
    ComputeThreads.set(self.threads)
    model = try withErrors { workload.makeModel(precision: precision) }
  }

  /// Whether this rank prints.
  var isChief: Bool { strategy.isChief }

  /// Samples of a step over all ranks.
  private var batch: Int { batchPerRank * strategy.communicator.size }

  /// Trains for `steps` steps, a multiple of ``epochSteps``, and gives the last epoch's loss.
  func train(steps: Int) throws -> Double {
    let data = workload.makeData(rows: Self.epochSteps * batch, seed: 1234)
    let history = try model.fit(
      x: data.x, y: data.y, batchSize: batch, epochs: steps / Self.epochSteps, verbose: .silent)
    return history["loss"].last ?? .nan
  }

  /// Trains for `steps` steps, each one alone, and gives the last one's loss.
  func trainAlone(steps: Int) throws -> Double {
    let inputs = makeBatches(of: workload.makeData(rows: Self.batches * batch, seed: 1234))
    return try (0..<steps).reduce(.nan) { try trainOnBatch(inputs[$1 % inputs.count]) }
  }

  private func makeBatches(of data: (x: Tensor, y: Tensor)) -> [(x: Tensor, y: Tensor)] {
    (0..<Self.batches).map { index in
      let rows = index * batch..<(index + 1) * batch
      return (x: data.x[rows], y: data.y[rows])
    }
  }

  private func trainOnBatch(_ input: (x: Tensor, y: Tensor)) throws -> Double {
    try model.trainOnBatch(x: input.x, y: input.y)["loss"] ?? .nan
  }

  /// Trains two epochs, and gives the time of each instruction of a step.
  func profile() throws -> StepProfile {
    let data = workload.makeData(rows: Self.batches * batch, seed: 1234)
    try model.fit(x: data.x, y: data.y, batchSize: batch, epochs: 2, verbose: .silent)
    return try model.profileOfLastStep(repetitions: 20)
  }

  /// Times the first step, blocks of steps in a row, and single steps, and then compiling.
  ///
  /// - Parameter blocks: at least 1.
  /// - Returns: the times, in seconds.
  /// - Throws: what `fit` throws.
  func measure(blocks: Int) throws -> TrainReport {
    let data = workload.makeData(rows: Self.batches * batch, seed: 1234)
    let inputs = makeBatches(of: data)
    func fit(epochs: Int) throws {
      try model.fit(x: data.x, y: data.y, batchSize: batch, epochs: epochs, verbose: .silent)
    }
    var losses: [Double] = []
    let first = try Times.measure(samples: 1) { losses.append(try trainOnBatch(inputs[0])) }
    try fit(epochs: 2)
    let before = BLASLibrary.measureGFLOPS()
    let epochs = max(1, workload.steps / Self.batches)
    let inARow = try Times.measure(samples: blocks) { try fit(epochs: epochs) }
    var index = 0
    let single = try Times.measure(samples: max(workload.steps, 20)) {
      losses.append(try trainOnBatch(inputs[index % inputs.count]))
      index += 1
    }
    let after = BLASLibrary.measureGFLOPS()
    let peak = Self.peakMegabytes

    // A second plan of the same step: what the first step did besides training.
    var plan: Plan?
    let compile = try Times.measure(samples: 1) {
      let graph = try model.traceTrainingStep(x: data.x, y: data.y, batchSize: batch)
      plan = try Plan(graph, passes: model.passes)
    }
    let steps = Self.batches * epochs
    let step = inARow.median / Double(steps)
    let speed = workload.flops(batch: batch) / step / 1e9
    let limit = max(before, after)
    let units = Double(threads * strategy.communicator.size)
    return TrainReport(
      workload: workload.rawValue, precision: model.precision.rawValue,
      bfloat16Products: model.usesBFloat16 == true, ranks: strategy.communicator.size,
      threads: threads, batchPerRank: batchPerRank, steps: blocks * steps,
      samplesPerS: (Double(batch) / step).rounded(places: 1),
      stepMs: (step * 1e3).rounded(places: 4),
      stepMsMin: (inARow.fastest / Double(steps) * 1e3).rounded(places: 4),
      stepMsMedian: (single.median * 1e3).rounded(places: 4),
      firstStepMs: (first.median * 1e3).rounded(places: 3),
      compileMs: (compile.median * 1e3).rounded(places: 3), gflops: speed.rounded(places: 3),
      gemmGflops: limit.rounded(places: 1),
      probeGflops: [before.rounded(places: 1), after.rounded(places: 1)],
      shareOfLimit: (speed / max(limit * units, 1e-9)).rounded(places: 3),
      blasCore: BLASLibrary.shared.coreName, peakRssMb: peak.rounded(places: 1),
      instructions: plan?.instructions.count ?? 0, arenaBytes: plan?.arenaBytes ?? 0,
      parameters: model.module.trainableVariables.reduce(0) { $0 + $1.shape.elementCount },
      lossFirst: losses[0].rounded(places: 4), lossLast: losses[losses.count - 1].rounded(places: 4)
    )
  }

  private static var peakMegabytes: Double {
    var usage = rusage()
    getrusage(0, &usage)  // 0: RUSAGE_SELF, whose type differs between C libraries
    return Double(usage.ru_maxrss) / 1024
  }
}

/// What `bench train` measured, with the names that other frameworks' scripts use.
struct TrainReport: Encodable, Sendable {
  var peer = "apus"
  var workload: String
  /// As asked for.
  var precision: String
  /// Whether products round their factors to bfloat16: only on CPUs known to gain.
  var bfloat16Products: Bool
  var ranks: Int
  var threads: Int
  var batchPerRank: Int
  /// Timed steps in a row.
  var steps: Int
  /// Over all ranks.
  var samplesPerS: Double
  /// A step among many in a row: the median of blocks.
  var stepMs: Double
  /// That of the fastest block.
  var stepMsMin: Double
  /// A step alone, by `trainOnBatch`, whose loss is read: the median.
  var stepMsMedian: Double
  /// The very first step, with tracing and compiling.
  var firstStepMs: Double
  /// Tracing and compiling alone.
  var compileMs: Double
  /// 10⁹ operations a second of products and convolutions, over all ranks.
  var gflops: Double
  /// What BLAS reaches on one thread of rank 0: the larger one of before and after.
  var gemmGflops: Double
  /// Before and after.
  var probeGflops: [Double]
  /// `gflops` over `gemmGflops` of all threads of all ranks.
  var shareOfLimit: Double
  /// The CPU whose BLAS kernels were in use.
  var blasCore: String
  /// Of rank 0.
  var peakRssMb: Double
  /// Of the step's plan.
  var instructions: Int
  var arenaBytes: Int
  var parameters: Int
  /// Of the first and of the last step.
  var lossFirst: Double
  var lossLast: Double
}

extension TrainReport {
  /// Some lines for a person.
  var table: String {
    var section = Section(
      "\(workload): \(counted(ranks, "rank")) of \(counted(threads, "thread")), batch \(batchPerRank) each"
    )
    section.add(
      "step, in a row",
      "\(stepMs.text(4)) ms (fastest block \(stepMsMin.text(4))), \(samplesPerS.text(0)) samples/s")
    section.add(
      "precision",
      bfloat16Products || precision == PrecisionPolicy.float32.rawValue
        ? precision : "\(precision): this CPU is not known to gain, products stay in float32")
    section.add("step, alone", "\(stepMsMedian.text(4)) ms")
    section.add(
      "first step", "\(firstStepMs.text(1)) ms; tracing and compiling \(compileMs.text(1)) ms")
    section.add(
      "arithmetic",
      "\(gflops.text(1)) GFLOP/s, \((shareOfLimit * 100).text(0)) % of what BLAS reaches "
        + "(\(probeGflops[0].text(1)) before, \(probeGflops[1].text(1)) after, a thread; "
        + "\(blasCore) kernels)")
    section.add(
      "plan", "\(instructions) instructions, arena of \(arenaBytes) bytes, \(parameters) parameters"
    )
    section.add("memory", "\(peakRssMb.text(1)) MiB at most")
    section.add("loss", "\(lossFirst.text(4)) at first, \(lossLast.text(4)) at last")
    return section.text
  }
}
