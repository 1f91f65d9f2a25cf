import Dist
import Engine
import Foundation

/// `train` on one rank. Every rank does the same; rank 0 prints and writes.
struct TrainingRun {
  private let options: TrainOptions
  private let threads: Int
  private let strategy: any DistributionStrategy

  /// A run under the strategy in force.
  ///
  /// - Parameters:
  ///   - options: of the command line.
  ///   - threads: as asked for; nil for this rank's share of the cores.
  init(_ options: TrainOptions, threads: Int?) {
    self.options = options
    strategy = DistributionContext.strategy
    let session = (strategy as? MPIStrategy)?.session
    self.threads = threads ?? Machine.detect().threads(ofRanksHere: session?.localSize ?? 1)
  }

  func run() throws {
    ComputeThreads.set(threads)
    let examples = try ExampleSet.load(options.data, options.table)
    if strategy.isChief, let note = examples.note { Console.note(note) }
    let split = try Split(examples, fraction: options.validationSplit, seed: options.seed)
    let kind = try modelKind(examples)
    let folder = OutputFolder(
      path: options.out ?? "runs/\(options.data.kind)-\(kind.rawValue)")
    try checkBatchSize(split)
    try onChief {
      try folder.create()
      if !resumes, let aside = try folder.setStatesAside() {
        Console.note(
          "the states of an earlier training are in \(aside) now; --resume goes on from them instead"
        )
      }
    }

    let rule = InputScaling.rule(for: split.training.features)
    let classes = examples.labels.classes.count
    let module: AnyModule =
      switch kind {
      case .mlp: MLPClassifier(rule, classes: classes)
      case .cnn: CNNClassifier(rule, classes: classes)
      }
    let model = Model(
      module: module, loss: SparseCategoricalCrossentropy(fromLogits: true),
      metrics: [SparseCategoricalAccuracy(name: "accuracy")], optimizer: optimizer(),
      seed: options.seed, precision: options.precision)
    let clock = TrainingClock()
    let finite = FiniteTraining(weights: folder.weights)
    let states = BackupAndRestore(
      folder.state, saveFrequency: options.stateInterval.map { .steps($0) } ?? .epoch)
    let validation = try split.heldOut.map { try ValidationData(x: $0.features, y: $0.labels) }
    let history: History
    do {
      history = try model.fit(
        x: split.training.features, y: split.training.labels, batchSize: options.batchSize,
        epochs: options.epochs, verbose: verbosity,
        callbacks: [clock, finite, CSVLogger(path: folder.history), states],
        validationData: validation)
    } catch let error as EngineError {
      throw finite.explained(error)
    }

    let result = result(examples, split, kind, folder, model, history, clock)
    try onChief { try folder.write(result) }
    guard strategy.isChief else { return }
    Console.print(result.summary(heldOut: split.summary))
    if options.json { Console.print(try result.json()) }
  }

  /// Whether the training goes on from a state: asked for, or because a launcher has started it again.
  private var resumes: Bool {
    let restarts = ProcessInfo.processInfo.environment["APUS_RESTART"].flatMap { Int($0) } ?? 0
    return options.resume || restarts > 0
  }

  /// Does something on rank 0, whose error is one of all ranks.
  private func onChief(_ body: () throws -> Void) throws {
    guard strategy.communicator.size > 1 else { return try body() }
    var message = ""
    do {
      if strategy.isChief { try body() }
    } catch {
      message = "\(error)"
    }
    message = try strategy.communicator.broadcast(text: message)
    if !message.isEmpty { throw LauncherError.chief(message: message) }
  }

  private func result(
    _ examples: ExampleSet, _ split: Split, _ kind: ModelKind, _ folder: OutputFolder,
    _ model: Model, _ history: History, _ clock: TrainingClock
  ) -> TrainingResult {
    let samples = split.training.count * options.epochs
    return TrainingResult(
      data: "\(options.data)", model: kind.rawValue, optimizer: options.optimizer.rawValue,
      precision: options.precision.rawValue, learningRate: options.rate,
      batchSize: options.batchSize, seed: options.seed, validationSplit: options.validationSplit,
      ranks: strategy.communicator.size,
      threads: threads, epochs: options.epochs,
      parameters: model.module.trainableVariables.reduce(0) { $0 + $1.shape.elementCount },
      classes: examples.labels.classes, classNames: examples.labels.names,
      trainSamples: split.training.count,
      valSamples: split.heldOut?.count ?? 0, loss: history["loss"].last,
      accuracy: history["accuracy"].last, valLoss: history["val_loss"].last,
      valAccuracy: history["val_accuracy"].last, seconds: clock.seconds,
      samplesPerSecond: Double(samples) / max(clock.seconds, 1e-9),
      weightsSHA256: model.weightsSHA256, checkpoint: folder.weights)
  }

  private func modelKind(_ examples: ExampleSet) throws -> ModelKind {
    guard let kind = options.model else { return examples.isImages ? .cnn : .mlp }
    if kind == .cnn, !examples.isImages {
      throw LauncherError.model(
        name: "cnn",
        message: "needs images [samples, height, width] or [samples, height, width, channels], but "
          + "--data \(options.data) has shape \(examples.features.shape); use --model mlp")
    }
    return kind
  }

  private func checkBatchSize(_ split: Split) throws {
    let count = split.training.count
    guard options.batchSize <= count else {
      throw EngineError.invalidArgument(
        message: "--batch-size \(options.batchSize) is larger than the data: there are \(count) "
          + "samples to train on; choose at most \(count)")
    }
  }

  private func optimizer() -> Optimizer {
    switch options.optimizer {
    case .adam: Adam(learningRate: options.rate)
    case .adamw: AdamW(learningRate: options.rate)
    case .sgd: SGD(learningRate: options.rate)
    }
  }

  private var verbosity: Verbosity {
    switch options.progress {
    case .auto: .auto
    case .bar: .bar
    case .lines: .line
    case .none: .silent
    }
  }
}
