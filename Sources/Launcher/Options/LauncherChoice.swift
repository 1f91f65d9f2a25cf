import ArgumentParser

/// What is to start ranks.
enum LauncherChoice: String, Sendable, CaseIterable, ExpressibleByArgument {
  /// mpirun; srun where there is no mpirun, inside an allocation of Slurm.
  case auto
  case mpirun
  case srun

  func starter(on machine: Machine) -> MPIRunCommand.Starter {
    switch self {
    case .mpirun: return .mpirun
    case .srun: return .srun
    case .auto:
      let isSrunAlone =
        machine.variables["SLURM_JOB_ID"] != nil && ProgramStart.path(of: machine.mpirun) == nil
        && ProgramStart.path(of: "srun") != nil
      return isSrunAlone ? .srun : .mpirun
    }
  }
}

extension MPIRunCommand.Starter {
  /// - Throws: ``LauncherError/noMpirun``, or ``LauncherError/launch(message:)`` where there is no srun.
  func checkIsThere(on machine: Machine) throws {
    switch self {
    case .mpirun:
      guard ProgramStart.path(of: machine.mpirun) != nil else { throw LauncherError.noMpirun }
    case .srun:
      guard ProgramStart.path(of: "srun") != nil else {
        throw LauncherError.launch(
          message: "--launcher srun: srun is not in PATH; leave the option out to use mpirun")
      }
    }
  }
}
