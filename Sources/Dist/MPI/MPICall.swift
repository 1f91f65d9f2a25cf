import COpenMPI

/// The one place where a return code of MPI is read.
///
/// Communicators are set to return errors (MPI 3.1 §8.3), since the default handler ends the job
/// without saying which rank did what.
enum MPICall {
  /// Runs a call and throws ``DistError/call(name:rank:code:message:)`` unless it succeeds.
  ///
  /// - `name`: the function of MPI, for the message.
  /// - `rank`: this rank; -1 before it is known.
  @inline(__always)
  static func run(_ name: StaticString, rank: Int, _ call: () -> Int32) throws(DistError) {
    let code = call()
    if code != apus_mpi_success() { throw error(name, rank: rank, code: code) }
  }

  @inline(never)
  private static func error(_ name: StaticString, rank: Int, code: Int32) -> DistError {
    .call(name: "\(name)", rank: rank, code: code, message: text(of: code))
  }

  /// What MPI says about a code.
  private static func text(of code: Int32) -> String {
    let capacity = Int(apus_mpi_max_error_string())
    var length: Int32 = 0
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
      guard let text = buffer.baseAddress,
        MPI_Error_string(code, text, &length) == apus_mpi_success()
      else { return "unknown error" }
      return String(
        decoding: buffer.prefix(Int(length)).map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }
  }
}
