import Foundation

/// What Open MPI leaves on this machine when its mpirun has been killed: shared memory of ranks, and a folder.
package struct OpenMPILeftovers: Codable, Equatable, Sendable {
  /// The number of the job.
  private var job: UInt32
  /// The folder that mpirun made for it.
  private var folder: String

  /// Those of the job that started this process; nil when that was not mpirun of Open MPI.
  package init?(_ variables: [String: String]) {
    guard let job = variables["OMPI_MCA_ess_base_jobid"].flatMap({ UInt32($0) }),
      let folder = variables["OMPI_MCA_orte_jobfam_session_dir"]
    else { return nil }
    (self.job, self.folder) = (job, folder)
  }

  /// Takes them away. Nothing of the job may run any more.
  package func remove() {
    let files = FileManager.default
    let mark = ".\(getuid()).\(String(job, radix: 16))."
    for name in (try? files.contentsOfDirectory(atPath: "/dev/shm")) ?? []
    where name.hasPrefix("vader_segment.") && name.contains(mark) {
      unlink("/dev/shm/" + name)
    }
    let path = URL(fileURLWithPath: folder)
    guard path.lastPathComponent.hasPrefix("pid."),
      path.deletingLastPathComponent().lastPathComponent.hasPrefix("ompi.")
    else { return }
    try? files.removeItem(at: path)
  }
}
