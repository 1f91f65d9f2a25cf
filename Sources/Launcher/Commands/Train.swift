import ArgumentParser
import Dist
import Engine
import Foundation

/// Trains one of the built-in models to tell classes apart.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a classifier on images or tables.",
    discussion: """
      One process without -n. With -n it starts mpirun itself; started under mpirun it joins the \
      other ranks.

      The held-out part (--validation-split) is drawn at random by the seed for digits, and is the \
      last rows of files. Features of tables are scaled to mean 0 and deviation 1 of the rows that are \
      trained on; pixels are scaled to 0...1. Labels are whole numbers, or names in CSV files; \
      the classes are those that occur.

      Examples:
        apus train --data digits -n 2
        apus train --data idx:images.gz,labels.gz --model cnn -n 4 --epochs 3 --json
      """)

  @OptionGroup(title: "Training") var options: TrainOptions
  @OptionGroup(title: "Launching") var launch: LaunchOptions

  func run() throws {
    guard try !launch.runsHere() else { return try train() }
    let options = options
    try launch.start(command) { StepPrediction.lines(options, $0) }
  }

  /// This command as each rank runs it.
  private var command: [String] {
    let arguments = options.arguments(terminalWidth: Console.terminalWidth)
    return [ProgramStart.ownPath(), "train"] + arguments + launch.threadArguments
  }

  private func train() throws {
    let options = options
    let threads = launch.threads
    if let width = options.terminalWidth { Console.setTerminalWidth(width) }
    do {
      // Exact also when the ranks' shares of a batch are not equal.
      try withStrategy(
        .mpi, lossScaling: .globalBatch,
        gradientReduction: BucketedAllReduce(hook: options.gradients.hook)
      ) {
        try TrainingRun(options, threads: threads).run()
      }
    } catch let error as EngineError where error.kind == .interrupted {
      Console.note("\(error)")
      throw ExitCode(ProgramEnd.exitCode(of: error))
    }
  }
}
