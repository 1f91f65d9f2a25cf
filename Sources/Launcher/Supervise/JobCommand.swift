import Foundation

/// A job that can be started: the words before the program, and the program.
struct JobCommand: Sendable {
  /// What starts the ranks.
  enum Starter: Equatable, Sendable {
    /// mpirun of Open MPI.
    case mpirun
    /// srun of Slurm.
    case srun
    /// Nothing: there is one rank, a child of the launcher.
    case none
  }

  /// mpirun or srun and its options; empty without either.
  var words: [String]
  /// The program of a rank and its arguments.
  var program: [String]
  /// How many ranks there are.
  var ranks: Int
  /// What the first of `words` is.
  var starter = Starter.mpirun
  /// The machines that ranks fill in order, under the names that mpirun and srun have for them; nil where they are not known.
  var hosts: HostList?
  /// Whether all ranks are on this machine.
  var isLocal = false
  /// Variables that are set for it.
  var environment: [MPIRunCommand.Variable] = []

  /// The name of what starts the ranks.
  var starterName: String {
    switch starter {
    case .mpirun: "mpirun"
    case .srun: "srun"
    case .none: "the program"
    }
  }

  /// The command line in which each rank has a process beside it.
  ///
  /// - Parameters:
  ///   - folder: that of the channels; empty without any.
  ///   - variables: those that ranks on other machines need too.
  /// - Returns: the words of it.
  func line(folder: String, exporting variables: [String]) -> [String] {
    let parent = [ProgramStart.ownPath(), RankStart.connect, folder] + program
    guard let first = words.first else { return parent }
    guard starter == .srun else {
      return [first] + variables.flatMap { ["-x", $0] } + words.dropFirst() + parent
    }
    // srun takes one list.
    let mark = "--export="
    let words = words.map { word in
      guard word.hasPrefix(mark) else { return word }
      let known = word.dropFirst(mark.count).split(separator: ",").map(String.init)
      return mark + (known + variables.filter { !known.contains($0) }).joined(separator: ",")
    }
    return words + parent
  }
}

extension JobCommand {
  /// A job, and the command line that starts it.
  init(_ job: MPIRunCommand.Job, _ command: MPIRunCommand, on machine: Machine) {
    self.init(
      words: command.arguments.dropLast(job.program.count), program: job.program,
      ranks: job.ranks, starter: job.starter == .srun ? .srun : .mpirun,
      hosts: job.hosts ?? job.allocation?.hosts,
      isLocal: job.starter == .mpirun && job.hosts == nil && !machine.mayUseOtherNodes,
      environment: command.environment)
  }
}
