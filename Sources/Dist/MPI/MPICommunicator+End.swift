import COpenMPI
import Foundation
import Synchronization
import Tensors

extension MPICommunicator {
  /// Finds out whether all ranks have failed, this one with a text whose hash is `hash`.
  ///
  /// Ranks that read the same file, or the same argument, fail alike and at about the same time: those that are not heard of
  /// after half of the time that this one took since they last met (at least half a second, at most ten) have not.
  ///
  /// - Returns: the hashes of all ranks and whether nothing is pending on any, so that MPI can be ended: the same on all
  ///   ranks; nil when some rank has not failed, or another thread is using MPI.
  func failures(hash: UInt64) -> (hashes: [UInt64], isIdle: Bool)? {
    if let onlyThread, pthread_equal(onlyThread, pthread_self()) == 0 { return nil }
    let found: (hashes: [UInt64], isIdle: Bool)?? = Self.lock.withLockIfAvailable { _ in
      let now = ContinuousClock.now
      let end = now + min(max((now - lastMeeting) / 2, .seconds(0.5)), .seconds(10))
      // Never freed: what has been started may still be under way when the process ends.
      let mine = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
      // The lowest bit says whether something is pending here.
      let isIdle = ([self] + mpiGroups).allSatisfy { $0.table.isEmpty && $0.exchanges.isIdle }
      mine.initialize(to: hash & ~1 | (isIdle ? 0 : 1))
      let all = UnsafeMutablePointer<UInt64>.allocate(capacity: size)
      all.initialize(repeating: 0, count: size)
      let request = UnsafeMutablePointer<MPI_Request?>.allocate(capacity: 1)
      request.initialize(to: nil)
      guard apus_mpi_iallgather_world(mine, all, request) == apus_mpi_success() else { return nil }
      var done: Int32 = 0
      while done == 0 {
        guard apus_mpi_test_all(1, request, &done) == apus_mpi_success() else { return nil }
        if done == 0 {
          if ContinuousClock.now > end { return nil }
          Thread.sleep(forTimeInterval: 0.001)
        }
      }
      let words = UnsafeBufferPointer(start: all, count: size)
      return (words.map { $0 & ~1 }, words.allSatisfy { $0 & 1 == 0 })
    }
    return found ?? nil
  }

  /// Prints `[rank 3/8] message`, waits a moment so that other ranks which fail now can print theirs,
  /// and ends the job (MPI 3.1 §8.7).
  public func abort(message: String, code: Int32) -> Never {
    if let whole { whole.abort(message: message, code: code) }
    RankReport.print(message, rank: rank, size: size)
    endJob(code: code)
  }

  /// Ends the job (MPI 3.1 §8.7).
  ///
  /// Takes no lock: another thread of this rank may be inside a collective that will never end.
  func endJob(code: Int32) -> Never {
    if !isClosed.load(ordering: .relaxed) {
      Thread.sleep(forTimeInterval: RankReport.grace)
      MPI_Abort(handle, code == 0 ? 1 : code)
    }
    exit(code == 0 ? 1 : code)
  }
}
