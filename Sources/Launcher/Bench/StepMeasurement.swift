import Engine
import Foundation

/// The time of a step of one rank, kernel by kernel, without what ranks send each other.
struct StepMeasurement: Codable, Sendable {
  /// All instructions of one name that read the same shapes.
  struct Kernel: Codable, Sendable {
    var name: String
    var inputs: [String]
    /// Bytes that one of them reads.
    var byteCount: Int
    /// The mean over them of the median of runs.
    var seconds: Double
  }

  /// Samples of the step on this rank.
  var rows: Int
  /// Whether the step is that of one of several ranks, with buckets.
  var hasBuckets: Bool
  /// A step among many in a row: the median of blocks.
  var stepSeconds: Double
  /// What a step takes besides its kernels: its batch is copied, callbacks run.
  var otherSeconds: Double
  var kernels: [Kernel]

  /// Trains for about a second, and then runs the step's instructions one by one.
  ///
  /// - Throws: what training throws.
  static func measure(
    _ network: ScalingNetwork, rows: Int, hasBuckets: Bool
  ) throws -> StepMeasurement {
    try network.onRanks(hasBuckets ? 2 : 1, limits: .messages(ranks: 2), sumsSealsOnly: true) {
      let batch = rows * (hasBuckets ? 2 : 1)
      let data = network.makeData(rows: network.batches * batch)
      let model = network.makeModel()
      func fit(_ epochs: Int) throws {
        try model.fit(x: data.x, y: data.y, batchSize: batch, epochs: epochs, verbose: .silent)
      }
      try fit(1)
      let epoch = try Times.measure(samples: 1) { try fit(1) }.median
      let epochs = max(1, min(100, Int(0.15 / epoch)))
      let times = try Times.measure(samples: epoch > 2 ? 3 : 7) { try fit(epochs) }
      let step = times.median / Double(epochs * network.batches)
      guard let plan = model.planOfLastStep else {
        throw LauncherError.model(name: network.name, message: "has no compiled step")
      }
      let kernels = try kernels(of: plan, repetitions: max(3, min(40, Int(0.4 / step))))
      let all = kernels.reduce(0) { $0 + $1.seconds }
      return StepMeasurement(
        rows: rows, hasBuckets: hasBuckets, stepSeconds: step, otherSeconds: max(0, step - all),
        kernels: joined(kernels))
    }
  }

  private static func kernels(of plan: Plan, repetitions: Int) throws -> [Kernel] {
    let runs = try (0..<repetitions).map { _ in try plan.profile().map(\.seconds) }
    return plan.instructions.enumerated().map { index, instruction in
      Kernel(instruction, seconds: Times(runs.map { $0[index] }).median)
    }
  }

  private static func joined(_ kernels: [Kernel]) -> [Kernel] {
    var result: [Kernel] = []
    var places: [[String]: Int] = [:]
    var counts: [Int] = []
    for kernel in kernels {
      if let place = places[kernel.key] {
        result[place].seconds += kernel.seconds
        counts[place] += 1
      } else {
        places[kernel.key] = result.count
        result.append(kernel)
        counts.append(1)
      }
    }
    for index in result.indices { result[index].seconds /= Double(counts[index]) }
    return result
  }
}

extension StepMeasurement.Kernel {
  /// Which instructions are alike.
  var key: [String] { [name] + inputs }

  /// An instruction, whose seconds are not known.
  init(_ instruction: Instruction, seconds: Double = 0) {
    let inputs = instruction.inputs
    self.init(
      name: instruction.primitive.name, inputs: inputs.map { "\($0.dtype)\($0.layout.shape)" },
      byteCount: inputs.reduce(0) { $0 + $1.layout.shape.elementCount * $1.dtype.size },
      seconds: seconds)
  }
}

extension ScalingNetwork {
  /// Runs `body` as one of `ranks` equal ranks.
  func onRanks<R>(
    _ ranks: Int, limits: BucketLimits, sumsSealsOnly: Bool = false, _ body: () throws -> R
  ) throws -> R {
    let strategy: any DistributionStrategy =
      ranks == 1
      ? SingleProcess.shared
      : FixedStrategy(
        EqualRanks(size: ranks, summedCount: sumsSealsOnly ? BucketSeal.count : nil),
        gradientReduction: BucketedAllReduce(limits: limits))
    return try DistributionContext.$strategy.withValue(strategy) { try withErrors { try body() } }
  }

  /// The plan of a step of `rows` samples on each of `ranks` ranks.
  func makePlan(rows: Int, ranks: Int, limits: BucketLimits) throws -> Plan {
    let data = makeData(rows: rows)
    return try onRanks(ranks, limits: limits) {
      let graph = try makeModel().traceTrainingStep(x: data.x, y: data.y, batchSize: rows * ranks)
      return try Plan(graph)
    }
  }
}
