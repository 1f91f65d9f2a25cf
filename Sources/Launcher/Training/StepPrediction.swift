import Engine
import Foundation

/// How long a training step of `train` will take, for `--dry-run`: an estimate that says how it was made.
///
/// The arithmetic of a rank is measured: steps of the same model, on the same number of samples, in this process. The sum of
/// gradients is computed, as one after the arithmetic: a ring of N ranks has 2(N-1) messages one after another, and each rank
/// sends 2(N-1)/N of the gradients' bytes (Patarasuk and Yuan 2009).
enum StepPrediction {
  /// What the sum over ranks is computed with. No more than orders of magnitude: `apus doctor --hosts` measures.
  private struct Network {
    var name: String
    /// Seconds of a message of no length.
    var latency: Double
    /// Bytes a second of one rank.
    var bandwidth: Double

    static let node = Network(name: "within a node", latency: 2e-6, bandwidth: 4e9)
    static let ethernet = Network(name: "10 Gbit/s Ethernet", latency: 3e-5, bandwidth: 1.1e9)
  }

  /// Lines for a person; one that says why where there is no prediction.
  static func lines(_ options: TrainOptions, _ situation: StepSituation) -> [String] {
    do {
      return try predict(options, situation)
    } catch {
      return ["predicted step: none: \(error)"]
    }
  }

  private static func predict(
    _ options: TrainOptions, _ situation: StepSituation
  ) throws -> [String] {
    let cores = Machine.detect().cores
    let threads = min(situation.threads ?? cores, cores)
    ComputeThreads.set(threads)
    let rows = (options.batchSize + situation.ranks - 1) / situation.ranks
    let (step, parameters) = try measure(options, rows: rows)
    var text = "predicted step: "
    let bytes = parameters * 4
    var sum = 0.0
    var how = [
      "one rank: measured here, \(counted(rows, "sample")) on \(counted(threads, "thread")): "
        + "\(milliseconds(step)) ms"
    ]
    if let asked = situation.threads, asked > threads {
      how[0] += ", as there are no \(asked) cores here"
    } else if situation.threads == nil {
      how[0] += ", although nodes may have other cores"
    }
    if situation.ranks > 1 {
      let network = situation.nodes == 1 ? Network.node : .ethernet
      let ranks = Double(situation.ranks)
      sum =
        2 * (ranks - 1) * network.latency
        + 2 * (ranks - 1) / ranks * Double(bytes) / network.bandwidth
      how.append(
        "sum of \(parameters) gradients over \(situation.ranks) ranks: computed as a ring "
          + "\(network.name), "
          + "\(String(format: "%.0f", network.latency * 1e6)) us and "
          + "\(String(format: "%.1f", network.bandwidth / 1e9)) GB/s assumed: \(milliseconds(sum)) ms"
      )
    }
    let total = step + sum
    text += "\(milliseconds(total)) ms, "
    text += "\(String(format: "%.0f", Double(options.batchSize) / total)) samples/s"
    return [text] + how.map { "  " + $0 }
  }

  /// Seconds of a step of one rank, the median of some, and how many parameters the model has.
  private static func measure(_ options: TrainOptions, rows: Int) throws -> (Double, Int) {
    let examples = try ExampleSet.load(options.data, options.table)
    guard rows <= examples.count else {
      throw LauncherError.launch(
        message: "--batch-size \(options.batchSize) is more than the \(examples.count) samples")
    }
    let rule = InputScaling.rule(for: examples.features)
    let classes = examples.labels.classes.count
    let isConvolutional = options.model.map { $0 == .cnn } ?? examples.isImages
    guard !isConvolutional || examples.isImages else {
      throw LauncherError.model(name: "cnn", message: "needs images")
    }
    let module: AnyModule =
      isConvolutional
      ? CNNClassifier(rule, classes: classes) : MLPClassifier(rule, classes: classes)
    let optimizer: Optimizer =
      switch options.optimizer {
      case .adam: Adam(learningRate: options.rate)
      case .adamw: AdamW(learningRate: options.rate)
      case .sgd: SGD(learningRate: options.rate)
      }
    let model = Model(
      module: module, loss: SparseCategoricalCrossentropy(fromLogits: true),
      metrics: [SparseCategoricalAccuracy(name: "accuracy")], optimizer: optimizer,
      seed: options.seed, precision: options.precision)
    let data = try Split(examples, fraction: 0, seed: options.seed).training
    let (x, y) = (data.features[0..<rows], data.labels[0..<rows])
    // The first compiles.
    for _ in 0..<3 { _ = try model.trainOnBatch(x: x, y: y) }
    let clock = ContinuousClock()
    var times: [Double] = []
    let begin = clock.now
    while times.count < 5 || times.count < 200 && clock.now - begin < .milliseconds(300) {
      times.append(try clock.measure { _ = try model.trainOnBatch(x: x, y: y) } / .seconds(1))
    }
    return (
      Times(times).median,
      model.module.trainableVariables.reduce(0) { $0 + $1.shape.elementCount }
    )
  }

  private static func milliseconds(_ seconds: Double) -> String {
    String(format: seconds < 0.001 ? "%.3f" : "%.2f", seconds * 1e3)
  }
}
