import CKernels
import Foundation
import Synchronization

/// How a program ends on an error that nothing catches: one line on standard error and exit code 1.
///
/// A trap would lose the text of the error in release builds and print registers in its place.
package enum ProgramEnd {
  /// Ends every rank of a job, with `message` on standard error.
  package typealias AbortJob = @Sendable (_ message: String) -> Never

  private static let job = Mutex<AbortJob?>(nil)

  /// What ends the other ranks of the running code where ranks are threads.
  @TaskLocal package static var abortRanks: AbortJob?

  /// What ends the job that this process is a rank of; set as long as ranks may wait for each other.
  package static func setJob(_ abort: AbortJob?) { job.withLock { $0 = abort } }

  /// The exit code of a program that `error` leaves: 75 (`EX_TEMPFAIL`) where its training can go on when it is started again, else 1.
  package static func exitCode(of error: any Error) -> Int32 {
    (error as? EngineError)?.kind == .interrupted ? 75 : 1
  }

  /// Prints `error` and ends the program, and with it all ranks of its job.
  package static func stop(_ error: any Error) -> Never {
    let message = "\(error)"
    if let abort = job.withLock({ $0 }) { abort(message) }
    if let abortRanks { abortRanks(message) }
    // An error that every process of a launcher has is printed by the first.
    if (error as? EngineError)?.kind == .distribution, Launch.unjoinedRank ?? 0 > 0 {
      Thread.sleep(forTimeInterval: 1)
      exit(1)
    }
    // What the program printed before must not be lost with the process.
    fflush(nil)
    FileHandle.standardError.write(Data("Error: \(message)\n".utf8))
    exit(exitCode(of: error))
  }
}

/// Called in the place of the Swift runtime when an error leaves the main program (see `error_in_main.c`).
@_cdecl("apus_error_in_main")
func errorInMain(_ error: UnsafeRawPointer) -> Never {
  ProgramEnd.stop(unsafeBitCast(error, to: (any Error).self))
}
