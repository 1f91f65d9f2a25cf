import Foundation
import Synchronization

/// How this process was started as one of several ranks.
public struct Launch: Hashable, Sendable {
  /// The program that started the ranks, for messages: `mpirun`, `srun` or `a PMI launcher`.
  public var launcher: String

  /// The number of ranks the launcher says it started, where it says so.
  public var size: Int?

  /// The number of this process among those of its launcher, where the environment says it.
  package static func rank(in environment: [String: String]) -> Int? {
    ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"].lazy
      .compactMap { environment[$0].flatMap { Int($0) } }.first
  }

  /// A launcher and the number of ranks it says.
  public init(launcher: String, size: Int?) {
    self.launcher = launcher
    self.size = size
  }

  /// What the environment says, or `nil` for a process started on its own.
  ///
  /// Inside an allocation of Slurm a plain process also has `SLURM_PROCID`, so that alone does not
  /// count: a step that `srun` made has a number of its own (`SLURM_STEP_ID`), while the batch script
  /// and the interactive shell have the reserved numbers from 0xfffffff0 on.
  ///
  /// - Parameter environment: names and values of environment variables.
  /// - Returns: the launcher and the number of ranks, if it says one.
  public static func detect(in environment: [String: String]) -> Launch? {
    if let size = environment["OMPI_COMM_WORLD_SIZE"] {
      return Launch(launcher: "mpirun", size: Int(size))
    }
    let isStep = environment["SLURM_STEP_ID"].flatMap(UInt32.init).map { $0 < 0xffff_fff0 } ?? false
    let tasks = environment["SLURM_STEP_NUM_TASKS"].flatMap { Int($0) }
    if environment["PMIX_RANK"] != nil || environment["PMI_RANK"] != nil {
      let size = environment["PMI_SIZE"].flatMap { Int($0) } ?? (isStep ? tasks : nil)
      return Launch(launcher: isStep ? "srun" : "a PMI launcher", size: size)
    }
    // srun without PMI. One task needs no MPI; more would each be alone, and the session says so.
    if isStep, environment["SLURM_PROCID"] != nil, let tasks, tasks > 1 {
      return Launch(launcher: "srun", size: tasks)
    }
    return nil
  }
}

extension Launch {
  /// Whether srun started several tasks and told MPI nothing of them.
  package static func lacksPMI(in environment: [String: String]) -> Bool {
    let names = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"]
    return detect(in: environment)?.launcher == "srun"
      && names.allSatisfy { environment[$0] == nil }
  }

  private static let hasJoined = Atomic(false)

  /// What the environment of this process says.
  package static let current = detect(in: ProcessInfo.processInfo.environment)

  /// Says that this process has become a rank of the job that its launcher started.
  package static func noteJoined() { hasJoined.store(true, ordering: .sequentiallyConsistent) }

  /// The number of this process among those of its launcher, when there are several and nothing has joined them.
  package static var unjoinedRank: Int? {
    guard let current, current.size ?? 1 > 1, !hasJoined.load(ordering: .relaxed) else {
      return nil
    }
    return rank(in: ProcessInfo.processInfo.environment) ?? 0
  }
}
