import Engine
import Foundation

/// Predicted steps on several numbers of ranks.
struct ScalingReport: Encodable, Sendable {
  /// One number of ranks.
  struct Row: Encodable, Sendable {
    var ranks: Int
    var nodes: Int
    /// Samples of a step on one rank.
    var batchPerRank: Int
    var stepMs: Double
    /// What a step takes longer than its kernels.
    var exposedMs: Double
    /// Of the speed of as many ranks that send nothing.
    var efficiency: Double
    var samplesPerS: Double
    /// Messages of gradients in a step.
    var messages: Int
    /// What takes most of the exposed time.
    var limit: String
    /// A step of real ranks; nil where this job has another number of them.
    var measuredMs: Double?
  }

  var network: String
  var threads: Int
  var kernels: String
  var scaling: String
  var way: String
  var ranksPerNode: Int
  var costs: ClusterCosts
  var rows: [Row]
}

/// What is predicted.
struct ScalingQuestion: Sendable {
  var network: ScalingNetwork
  var ranks: [Int]
  /// Samples of a step: on one rank, or on all together.
  var batch: Int
  var isStrong: Bool
  var ranksPerNode: Int
  var way: SumWay
  /// How much longer kernels take when all ranks of a node compute.
  var contention: Double
  /// The standard deviation of the ranks' speeds, as a share.
  var jitter: Double
  var seed: UInt64

  /// Samples of a step on one rank.
  func rows(ranks: Int) -> Int { isStrong ? batch / ranks : batch }

  func layout(ranks: Int) -> RankLayout { RankLayout(ranks: ranks, ranksPerNode: ranksPerNode) }

  func limits(ranks: Int) -> BucketLimits {
    layout(ranks: ranks).nodes == 1 ? .sharedMemory : .messages(ranks: ranks)
  }

  /// What a step sends; of a plan, which is made for no more samples than one that is measured.
  func messages(ranks: Int) throws -> [StepWork.Message] {
    let rows = min(rows(ranks: ranks), network.mostMeasuredRows)
    let plan = try network.makePlan(rows: rows, ranks: ranks, limits: limits(ranks: ranks))
    return StepWork.messages(of: plan)
  }

  /// The numbers of samples whose steps are needed: of each number of ranks, and of one.
  var allRows: [Int] { ([1] + ranks).map { rows(ranks: $0) } }
}

extension ScalingReport {
  /// Predicts steps.
  ///
  /// - Throws: ``LauncherError`` where `profile` does not hold what is needed.
  init(
    _ question: ScalingQuestion, _ profile: ScalingProfile, _ costs: ClusterCosts,
    measured: (ranks: Int, seconds: Double)?
  ) throws {
    let network = question.network
    func work(_ ranks: Int) throws -> StepWork {
      try profile.work(
        network, rows: question.rows(ranks: ranks), ranks: ranks,
        limits: question.limits(ranks: ranks))
    }
    let alone = StepSimulator(costs, question.layout(ranks: 1)).run(try work(1)).step
    let one = alone / Double(question.rows(ranks: 1))
    rows = try question.ranks.map { ranks in
      let layout = question.layout(ranks: ranks)
      let slowest = Stragglers(jitter: question.jitter, seed: question.seed).slowest(of: ranks)
      let work = try work(ranks).slowed(
        by: slowest * (layout.fullest > 1 ? question.contention : 1))
      let simulator = StepSimulator(costs, layout, way: question.way)
      let outcome = simulator.run(work)
      let samples = question.rows(ranks: ranks) * ranks
      let perSecond = Double(samples) / outcome.step
      return Row(
        ranks: ranks, nodes: layout.nodes, batchPerRank: question.rows(ranks: ranks),
        stepMs: (outcome.step * 1e3).rounded(places: 4),
        exposedMs: (outcome.exposed * 1e3).rounded(places: 4),
        efficiency: (perSecond * one / Double(ranks)).rounded(places: 4),
        samplesPerS: perSecond.rounded(places: 1), messages: work.messages.count,
        limit: StepLimit(
          simulator, work, outcome, ideal: one * Double(question.rows(ranks: ranks))
        ).text,
        measuredMs: measured.flatMap {
          $0.ranks == ranks ? ($0.seconds * 1e3).rounded(places: 4) : nil
        })
    }
    self.network = network.name
    (threads, kernels) = (profile.threads, profile.kernels)
    scaling = question.isStrong ? "strong" : "weak"
    (way, ranksPerNode, self.costs) = (question.way.rawValue, question.ranksPerNode, costs)
  }

  /// Some lines and a table for a person.
  var table: String {
    let isChecked = rows.contains { $0.measuredMs != nil }
    var table = TextTable(
      ["ranks", "batch each", "step ms"] + (isChecked ? ["measured ms"] : [])
        + ["exposed ms", "efficiency", "samples/s", "what limits"])
    for row in rows {
      table.add(
        ["\(row.ranks)", "\(row.batchPerRank)", row.stepMs.text(3)]
          + (isChecked ? [row.measuredMs?.text(3) ?? ""] : [])
          + [
            row.exposedMs.text(3), (row.efficiency * 100).text(1) + " %", row.samplesPerS.text(0),
            row.limit,
          ])
    }
    return """
      \(network), \(scaling) scaling: predicted steps of ranks of \(counted(threads, "thread")), \(ranksPerNode) a node, sums by \(way)
      \(costs.lines)
      \(table.text)
      """
  }
}

extension ClusterCosts {
  /// What was reckoned with, for a person.
  var lines: String {
    func speed(_ bytes: Double) -> String { (bytes / 1e9).text(2) + " GB/s" }
    func time(_ seconds: Double) -> String { (seconds * 1e6).text(1) + " us" }
    return """
        between nodes: \(time(latency)), \(speed(bandwidth)); messages within a node: \(time(nodeLatency)), \(speed(nodeBandwidth))
        sums in a node's memory: \(time(memoryLatency)), \(speed(memoryBandwidth)); a thread adds \(speed(reduction)), copies \(speed(copying)) through sockets
      """
  }
}
