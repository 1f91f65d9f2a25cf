import Engine
import Foundation

/// The measured steps of a network from which steps on any number of ranks are put together.
struct ScalingProfile: Codable, Sendable {
  var network: String
  var threads: Int
  var kernels: String
  var measurements: [StepMeasurement]

  /// Measures steps of each number of samples, alone and as one of several ranks.
  static func measure(
    _ network: ScalingNetwork, rows: [Int], threads: Int
  ) throws -> ScalingProfile {
    ComputeThreads.set(threads)
    var measurements: [StepMeasurement] = []
    for rows in Self.measured(rows, network) {
      for hasBuckets in [false, true] {
        measurements.append(try .measure(network, rows: rows, hasBuckets: hasBuckets))
      }
    }
    return ScalingProfile(
      network: network.name, threads: threads, kernels: KernelSet.description,
      measurements: measurements)
  }

  /// The numbers of samples that are measured to know the steps of `rows` samples.
  static func measured(_ rows: [Int], _ network: ScalingNetwork) -> [Int] {
    let most = network.mostMeasuredRows
    let more = rows.contains { $0 > most } ? [max(1, most / 2), most] : []
    return Set(rows.filter { $0 <= most } + more).sorted()
  }

  /// A rank's step of `rows` samples.
  ///
  /// - Throws: ``LauncherError`` where the profile has no measurement from which it follows.
  func work(
    _ network: ScalingNetwork, rows: Int, ranks: Int, limits: BucketLimits
  ) throws -> StepWork {
    let known = measurements.filter { $0.hasBuckets == (ranks > 1) }.sorted { $0.rows < $1.rows }
    if let exact = known.first(where: { $0.rows == rows }) {
      let plan = try network.makePlan(rows: rows, ranks: ranks, limits: limits)
      return StepWork(plan, exact)
    }
    guard let last = known.last, known.count > 1, last.rows < rows else {
      let list = known.map { "\($0.rows)" }.joined(separator: ", ")
      throw LauncherError.launch(
        message:
          "the profile of \(network.name) has steps of \(list.isEmpty ? "no" : list) samples, from which a "
          + "step of \(rows) does not follow; measure it with the same --ranks, --batch and --strong or --weak"
      )
    }
    let before = known[known.count - 2]
    let works = try [before, last].map { measurement in
      StepWork(
        try network.makePlan(rows: measurement.rows, ranks: ranks, limits: limits), measurement)
    }
    let share = Double(rows - last.rows) / Double(last.rows - before.rows)
    return works[1].extended(beyond: works[0], by: share)
  }
}

extension StepWork {
  /// The instructions of `plan`, with the times of those that were measured.
  init(_ plan: Plan, _ measurement: StepMeasurement) {
    let times = KernelTimes(measurement)
    var events: [Event] = [.compute(measurement.otherSeconds)]
    for (instruction, event) in zip(plan.instructions, plan.messageEvents) {
      // What starts a message looks at its gradients first; what waits for one looks at the seal.
      events.append(.compute(times.seconds(of: instruction)))
      switch event {
      case .start(let number): events.append(.start(number))
      case .wait(let number): events.append(.wait(number))
      case nil: break
      }
    }
    self.init(events: events, messages: Self.messages(of: plan))
  }

  /// What a run of `plan` sends.
  static func messages(of plan: Plan) -> [Message] {
    plan.gradientMessages.map {
      Message($0.isGathered ? .gather : .sum, byteCount: $0.byteCount)
    }
  }

  /// This step with what it takes longer than a `shorter` one `share` times more: on a straight line.
  fileprivate func extended(beyond shorter: StepWork, by share: Double) -> StepWork {
    var work = self
    guard events.count == shorter.events.count else {
      let slope = computeSeconds - shorter.computeSeconds
      return slowed(by: 1 + share * slope / max(computeSeconds, 1e-12))
    }
    for (index, pair) in zip(events, shorter.events).enumerated() {
      if case (.compute(let long), .compute(let short)) = pair {
        work.events[index] = .compute(max(long + share * (long - short), 0))
      }
    }
    return work
  }
}

/// Finds the time of an instruction among measured ones.
private struct KernelTimes {
  private var exact: [[String]: Double] = [:]
  /// Seconds and bytes of all of one kind.
  private var kinds: [Substring: (seconds: Double, bytes: Int)] = [:]

  init(_ measurement: StepMeasurement) {
    for kernel in measurement.kernels {
      exact[kernel.key] = kernel.seconds
      let kind = Self.kind(of: kernel)
      let sum = kinds[kind] ?? (0, 0)
      kinds[kind] = (sum.seconds + kernel.seconds, sum.bytes + kernel.byteCount)
    }
  }

  private static func kind(of kernel: StepMeasurement.Kernel) -> Substring {
    kernel.name.prefix { $0 != "(" }
  }

  /// As measured; for other shapes, as of updates of other buckets, by the bytes that instructions of its kind read.
  func seconds(of instruction: Instruction) -> Double {
    let kernel = StepMeasurement.Kernel(instruction)
    if let seconds = exact[kernel.key] { return seconds }
    guard let kind = kinds[Self.kind(of: kernel)], kind.bytes > 0 else { return 0 }
    return kind.seconds * Double(kernel.byteCount) / Double(kind.bytes)
  }
}
