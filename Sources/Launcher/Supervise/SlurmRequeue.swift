import CKernels
import Engine
import Foundation

/// Asking Slurm for another turn of this job.
enum SlurmRequeue {
  /// Runs `scontrol requeue` for the job that this process is in, and says what came of it.
  static func ask() {
    guard let job = ProcessInfo.processInfo.environment["SLURM_JOB_ID"] else {
      return Console.note("--requeue: this is no job of Slurm (SLURM_JOB_ID is not set)")
    }
    let words = ["scontrol", "requeue", job]
    let child = apus_start_child(words[0], ProgramStart.arguments(words), [-1, -1, -1], 0, 0)
    guard child > 0 else {
      return Console.note("--requeue: cannot start scontrol: \(systemReason(-child))")
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    let end = ExitStatus(status)
    Console.note(
      end.code == 0
        ? "asked Slurm for another turn: \(words.joined(separator: " "))"
        : "--requeue: \(words.joined(separator: " ")) \(end.text)")
  }
}
