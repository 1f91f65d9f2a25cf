import Foundation
import OrderedCollections
import Tensors

/// Prints how a run gets on, on rank 0.
///
/// On a terminal one line is drawn again and again:
///
/// ```
/// Epoch 3/10
///  42/120 ━━━━━━━━━━━━━━━━━━━━ 1s 12ms/step - loss: 0.1234 - accuracy: 0.9600
/// ```
///
/// Ranks started by a bare `mpirun` print lines: `apus run` knows whether its output is a terminal and says so.
///
/// The time is what is left, and at the end of the epoch what it took; the time of a step leaves
/// out the first one, in which the step is compiled. Elsewhere (a file, a pipe) there is one line
/// an epoch, without control characters:
///
/// ```
/// Epoch 3/10 - 120/120 - 1s - 12ms/step - loss: 0.1034 - accuracy: 0.9640 - val_loss: 0.1200
/// ```
///
/// - SeeAlso: Keras, `callbacks.ProgbarLogger`.
public final class ProgressBar: Callback {
  private enum Run { case none, train, test, predict }

  private let verbosity: Verbosity
  private let clock: () -> Double
  private let color: Bool
  /// What is printed, as rank 0 decided: only it knows whether its output is a terminal.
  private var shown = Verbosity.silent
  private var run = Run.none
  private var title = ""
  private var target: Int?
  private var done = 0
  private var values = Logs()
  private var start = 0.0
  private var afterFirstStep: Double?
  private var lastStep = 0.0
  private var lastDrawing = -Double.infinity

  /// Seconds between two drawings.
  private static let interval = 0.05
  private static let barWidth = 20

  /// A progress bar.
  ///
  /// - Parameters:
  ///   - verbosity: what to print; rank 0's choice counts.
  ///   - output: where to; standard output unless given.
  ///   - color: whether a terminal gets colours; unless the environment sets `NO_COLOR`.
  ///   - clock: seconds since some moment.
  public init(
    verbosity: Verbosity = .auto, output: TextOutput = .standardOutput,
    color: Bool = ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty,
    clock: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
  ) {
    self.verbosity = verbosity
    self.color = color
    self.clock = clock
    super.init()
    self.output = output
  }

  /// With a bar logs are wanted some twenty times an epoch, whatever the time they take: under
  /// several ranks reading them is a collective, for which a clock is no guide.
  public override func batchLogStride(steps: Int?) -> Int {
    shown == .bar ? max(1, (steps ?? 200) / 20) : 0
  }

  /// Finds out what to print. Collective when there are several ranks; throws when that fails.
  public override func onTrainBegin(logs: Logs) throws { try begin(.train) }

  /// Ends the line that is being drawn.
  public override func onTrainEnd(logs: Logs) { run = .none }

  /// Prints the number of the epoch.
  public override func onEpochBegin(_ epoch: Int, logs: Logs) {
    title = parameters.epochs > 1 ? "Epoch \(epoch + 1)/\(parameters.epochs)" : ""
    if shown == .bar, !title.isEmpty { say(title) }
    restart()
  }

  /// Draws the bar, unless it was just drawn.
  public override func onTrainBatchEnd(_ step: Int, logs: Logs) { advance(step, logs) }

  /// Prints the epoch's line with all values.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) { finish(logs) }

  /// Begins the bar of an evaluation; validation within `fit` is silent. Throws what ``onTrainBegin(logs:)`` throws.
  public override func onTestBegin(logs: Logs) throws {
    if run == .none { try begin(.test) }
  }

  /// Draws the bar of an evaluation.
  public override func onTestBatchEnd(_ step: Int, logs: Logs) {
    if run == .test { advance(step, logs) }
  }

  /// Prints the line of an evaluation.
  public override func onTestEnd(logs: Logs) {
    guard run == .test else { return }
    finish(logs)
    run = .none
  }

  /// Begins the bar of a prediction. Throws what ``onTrainBegin(logs:)`` throws.
  public override func onPredictBegin(logs: Logs) throws { try begin(.predict) }

  /// Draws the bar of a prediction.
  public override func onPredictBatchEnd(_ step: Int, logs: Logs) { advance(step, logs) }

  /// Prints the line of a prediction.
  public override func onPredictEnd(logs: Logs) {
    finish(logs)
    run = .none
  }

  private func begin(_ run: Run) throws {
    self.run = run
    title = ""
    target = parameters.steps
    shown =
      switch verbosity {
      case .auto, .bar: output.isTerminal ? .bar : .line
      case .line, .silent: verbosity
      }
    if let communicator = model?.communicator, communicator.size > 1 {
      // Also when this rank is to be silent: programs often ask for a bar on rank 0 only.
      var code = Int32(Verbosity.allCases.firstIndex(of: shown) ?? 0)
      try withUnsafeMutablePointer(to: &code) {
        try communicator.broadcast($0, count: 1, dtype: .int32, root: 0)
      }
      shown = Verbosity.allCases[Int(code)]
    }
    restart()
  }

  private func restart() {
    done = 0
    values = [:]
    start = clock()
    lastStep = start
    afterFirstStep = nil
    lastDrawing = -.infinity
  }

  private func advance(_ step: Int, _ logs: Logs) {
    done = step + 1
    if !logs.isEmpty { values = logs }
    guard shown != .silent, isChief else { return }
    lastStep = clock()
    if done == 1 { afterFirstStep = lastStep }
    guard shown == .bar, done != target, lastStep - lastDrawing >= Self.interval else { return }
    lastDrawing = lastStep
    output.write("\r" + line(isLast: false) + "\u{1B}[K")
  }

  private func finish(_ logs: Logs) {
    target = target ?? done
    values = logs
    guard isChief else { return }
    switch shown {
    case .bar: output.write("\r" + line(isLast: true) + "\u{1B}[K\n")
    case .line, .auto:
      let parts = [
        title, ProgressFormat.count(done, of: target), ProgressFormat.elapsed(clock() - start),
        ProgressFormat.perStep(secondsPerStep),
      ]
      let head = parts.filter { !$0.isEmpty }.joined(separator: " - ")
      output.line(head + ProgressFormat.values(values))
    case .silent: break
    }
  }

  private var secondsPerStep: Double {
    guard done > 0 else { return 0 }
    if done > 1, let afterFirstStep { return (lastStep - afterFirstStep) / Double(done - 1) }
    return (lastStep - start) / Double(done)
  }

  /// The text of the bar. What does not fit the terminal is cut (the bar first) while the line is
  /// still drawn over, since drawing over works within one row only; the last drawing keeps all
  /// values.
  private func line(isLast: Bool) -> String {
    let count = ProgressFormat.count(done, of: target)
    let left = target.map { secondsPerStep * Double($0 - done) }
    let time =
      if let left, !isLast { ProgressFormat.remaining(left) } else {
        ProgressFormat.elapsed(clock() - start)
      }
    var info = "\(time) \(ProgressFormat.perStep(secondsPerStep))" + ProgressFormat.values(values)
    // The last column stays free: some terminals wrap as soon as it is filled.
    let room = (output.columns ?? .max) - 1 - count.count - 1
    if !isLast, info.count > room { info = info.prefix(max(0, room - 1)) + "…" }
    guard let target else { return "\(count) \(info)" }
    let width = min(Self.barWidth, room - info.count - 1)
    guard width >= 5 else { return "\(count) \(info)" }
    let bar = ProgressFormat.bar(done: done, of: target, width: width, color: color)
    return "\(count) \(bar) \(info)"
  }
}
