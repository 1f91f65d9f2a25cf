import ArgumentParser
import Engine

/// What `train` trains, on what, and how.
struct TrainOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The data: \(DataSource.forms). csv: the label is the last column, or --label; idx and npy: a second file "
        + "with a label for each sample. (default: digits)",
      valueName: "data"),
    transform: DataSource.init(text:))
  var data = DataSource.digits

  @Option(
    help: ArgumentHelp(
      "Whether the first line of a csv file names the columns: yes, no or auto. auto says what it took.",
      valueName: "header"))
  var header = HeaderChoice.auto

  @Option(
    help: ArgumentHelp(
      "The column of a csv file that holds the label: a name in its first line, or first or last. "
        + "(default: last)",
      valueName: "column"))
  var label: String?

  @Option(help: "The model: mlp or cnn. (default: cnn for images, mlp for tables)")
  var model: ModelKind?

  @Option(parsing: .unconditional, help: "How often to go through the data.")
  var epochs = 15

  @Option(parsing: .unconditional, help: "Samples of one step, over all ranks together.")
  var batchSize = 32

  @Option(
    parsing: .unconditional, help: "The step size. (default: 0.001 for adam and adamw, 0.1 for sgd)"
  )
  var learningRate: Double?

  @Option(help: "The optimizer: adam, adamw or sgd.")
  var optimizer = OptimizerKind.adam

  @Option(help: PrecisionPolicy.help)
  var precision = PrecisionPolicy.float32

  @Option(help: GradientMessages.help)
  var gradients = GradientMessages.float32

  @Option(
    parsing: .unconditional,
    help: "Draws the initial weights, the order of samples, dropout, and what digits hold out.")
  var seed: UInt64 = 42

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The part of the data that is held out to validate on: drawn at random by the seed for digits, "
        + "the last rows of files (mnist, idx, csv, npy). 0 holds out nothing."))
  var validationSplit = 0.2

  @Option(
    help: ArgumentHelp(
      "The folder for weights.safetensors, history.csv, summary.json and the state of the training. "
        + "(default: runs/<kind of data>-<model>)",
      valueName: "folder"))
  var out: String?

  @Flag(
    help:
      "Go on from the newest state in the folder, where an earlier training was broken off; also to more --epochs. Without one the training begins."
  )
  var resume = false

  @Option(
    name: .customLong("state-interval"), parsing: .unconditional,
    help: ArgumentHelp(
      "Save the state of the training also after so many steps. (default: after each epoch)",
      valueName: "steps"))
  var stateInterval: Int?

  @Flag(help: "Print one JSON object as the last line of standard output.")
  var json = false

  @Option(
    help: "Progress on standard output: bar, lines, none, or auto: a bar on a terminal, else lines."
  )
  var progress = ProgressKind.auto

  @Option(help: .hidden)
  var terminalWidth: Int?

  func validate() throws {
    try check(epochs >= 1, "--epochs \(epochs): at least 1 is needed")
    try check(batchSize >= 1, "--batch-size \(batchSize): at least 1 is needed")
    if let learningRate {
      try check(
        learningRate > 0 && learningRate.isFinite,
        "--learning-rate \(learningRate): expected a number above 0")
    }
    if let stateInterval {
      try check(stateInterval >= 1, "--state-interval \(stateInterval): at least 1 step is needed")
    }
    if case .csv = data {
      try check(label != "", "--label: expected the name of a column, or first or last")
    } else {
      try check(header == .auto, "--header \(header.rawValue) goes with --data csv:FILE only")
      try check(label == nil, "--label \(label ?? "") goes with --data csv:FILE only")
    }
    try check(
      (0..<1).contains(validationSplit),
      "--validation-split \(validationSplit): expected a part of the data, at least 0 and below 1")
  }

  /// How a csv file is to be read.
  var table: TableChoice { TableChoice(header: header, label: label) }

  private func check(_ isGood: Bool, _ message: String) throws {
    if !isGood { throw ValidationError(message) }
  }

  /// The step size, given or usual for the optimizer.
  var rate: Double { learningRate ?? optimizer.defaultRate }

  /// The arguments that give these options, for the ranks that mpirun starts.
  ///
  /// - Parameter terminalWidth: characters in a row of the terminal that reads; nil when there is none.
  /// - Returns: the words after `train`.
  func arguments(terminalWidth: Int?) -> [String] {
    var words = [
      "--data", "\(data)", "--epochs", "\(epochs)", "--batch-size", "\(batchSize)",
      "--learning-rate", "\(rate)", "--optimizer", optimizer.rawValue,
      "--precision", precision.rawValue, "--seed", "\(seed)", "--validation-split",
      "\(validationSplit)",
    ]
    if gradients != .float32 { words += ["--gradients", gradients.rawValue] }
    if header != .auto { words += ["--header", header.rawValue] }
    if let label { words += ["--label", label] }
    if let model { words += ["--model", model.rawValue] }
    if let out { words += ["--out", out] }
    if resume { words.append("--resume") }
    if let stateInterval { words += ["--state-interval", "\(stateInterval)"] }
    if json { words.append("--json") }
    words += ["--progress", progress.resolved(isTerminal: terminalWidth != nil).rawValue]
    return words + (terminalWidth.map { ["--terminal-width", "\($0)"] } ?? [])
  }
}

/// Whether the first line of a table names its columns.
enum HeaderChoice: String, Sendable, CaseIterable, ExpressibleByArgument {
  case auto, yes, no

  var header: CSV.Header {
    switch self {
    case .auto: .automatic
    case .yes: .present
    case .no: .absent
    }
  }
}

/// How a table is to be read.
struct TableChoice: Sendable {
  var header = HeaderChoice.auto
  /// A name in the first line, `first` or `last`; nil for the last column.
  var label: String?
}

/// The models that come with the command.
enum ModelKind: String, Sendable, CaseIterable, ExpressibleByArgument {
  /// Two hidden layers.
  case mlp
  /// Convolutions, for images.
  case cnn
}

/// The optimizers to choose from.
enum OptimizerKind: String, Sendable, CaseIterable, ExpressibleByArgument {
  case adam, adamw, sgd

  /// A step size that suits the built-in models.
  var defaultRate: Double { self == .sgd ? 0.1 : 0.001 }
}

extension PrecisionPolicy: ExpressibleByArgument {
  /// For every command that trains.
  static var help: ArgumentHelp {
    "float32, or mixed_bfloat16: products round their factors to bfloat16 on CPUs known to be faster at that."
  }
}

/// How training shows how far it is.
enum ProgressKind: String, Sendable, CaseIterable, ExpressibleByArgument {
  case auto, bar, lines, none

  /// `auto`, decided by where standard output goes. Ranks cannot tell: mpirun gives each a terminal of
  /// its own, whatever reads the other end.
  func resolved(isTerminal: Bool) -> ProgressKind {
    self == .auto ? (isTerminal ? .bar : .lines) : self
  }
}
