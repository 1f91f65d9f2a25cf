import Engine

/// What the command can meet before or beside the training itself.
enum LauncherError: Error, Equatable {
  /// mpirun is needed and is not in `PATH`.
  case noMpirun
  /// A program that `run` cannot find or start.
  case cannotStart(program: String, reason: String)
  /// Started by mpirun with one number of ranks, and asked for another.
  case ranksDiffer(launcher: String, started: Int, asked: Int)
  /// Ranks that cannot be started as asked for where this process runs.
  case launch(message: String)
  /// Data of a form that cannot be classified.
  case data(source: String, message: String)
  /// A model that does not work on this data.
  case model(name: String, message: String)
  /// A folder or file that cannot be written.
  case output(path: String, message: String)
  /// A folder for what ranks write that cannot be used.
  case logs(path: String, message: String)
  /// What went wrong on rank 0 alone, for all ranks.
  case chief(message: String)
  /// A loss or weights that are no finite numbers. Steps and epochs count from 1; a `step` of nil is the end of the epoch.
  case diverged(what: String, epoch: Int, step: Int?, advice: String)
  /// A child process of the command that failed, or took too long.
  case child(command: String, message: String)
  /// What keeps `chaos` from beginning.
  case chaos(String)
}

extension LauncherError: CustomStringConvertible {
  /// One line of text for a person.
  var description: String {
    switch self {
    case .noMpirun:
      "mpirun is not in PATH: install it (Debian and Ubuntu: apt-get install openmpi-bin "
        + "libopenmpi-dev), or leave out -n to run one process"
    case .cannotStart(let program, let reason): "cannot start \(program): \(reason)"
    case .ranksDiffer(let launcher, let started, let asked):
      "\(launcher) started \(counted(started, "rank")), but -n says \(asked): leave out -n under \(launcher)"
        + (started == 1 ? ", or start this outside of \(launcher), where ranks can be started" : "")
    case .launch(let message): message
    case .data(let source, let message): "--data \(source): \(message)"
    case .model(let name, let message): "--model \(name): \(message)"
    case .output(let path, let message): "--out \(path): \(message)"
    case .logs(let path, let message): "--log-dir \(path): \(message)"
    case .chief(let message): message
    case .diverged(let what, let epoch, let step, let advice):
      what + (step.map { " at step \($0) of" } ?? " after") + " epoch \(epoch): \(advice)"
    case .child(let command, let message): "\(command): \(message)"
    case .chaos(let message): message
    }
  }
}
