import Dist
import Engine
import Foundation

/// The time of a sum over ranks, beside the least that memory allows.
enum AllReduceBench {
  /// What was measured.
  struct Report: Encodable, Sendable {
    struct Row: Encodable, Sendable {
      var bytes: Int
      /// The median of the slowest rank, as for all others: of an array in memory that the ranks share, as gradients of a compiled step are;
      /// of an array elsewhere where ranks share none.
      var microseconds: Double
      /// Of an array elsewhere; nil where ranks share no memory.
      var copiedMicroseconds: Double?
      /// MPI's own, in the same run; nil where the figures above are MPI's.
      var mpiMicroseconds: Double?
      /// Bytes of the array over the time, in 10⁹ a second.
      var gbPerS: Double
      /// The least for ranks of one machine, see ``AllReduceBench/measure(_:largest:)``.
      var limitMicroseconds: Double
      var limitGbPerS: Double
    }

    var ranks: Int
    var arrays: [Row]
  }

  /// Sums float32 arrays of 1 KiB, 4 KiB ... up to `largest` bytes. Collective.
  ///
  /// The limit: N ranks with arrays of B bytes have to read N·B bytes and to write N·B bytes, so one of them reads and
  /// writes B bytes at least: what copying an array does, on all ranks at once.
  static func measure(_ communicator: any Communicator, largest: Int) throws -> Report {
    let messages = try MPISession.current?.communicator.duplicate(maximumCount: Int(Int32.max))
    var rows: [Report.Row] = []
    var bytes = 1 << 10
    while bytes <= largest {
      rows.append(try measure(communicator, messages, bytes: bytes))
      bytes *= 4
    }
    return Report(ranks: communicator.size, arrays: rows)
  }

  /// - `messages`: the same ranks, with MPI's own sums.
  private static func measure(
    _ communicator: any Communicator, _ messages: (any Communicator)?, bytes: Int
  ) throws -> Report.Row {
    let repetitions = max(3, min(1000, (4 << 20) / bytes))
    let (own, other) = (Storage(byteCount: bytes), Storage(byteCount: bytes))
    let shared = (communicator as? any SharingCommunicator)?.sharedMemory(byteCount: bytes)
    // Sums of zeros stay zeros, however often they are taken.
    for array in [own, other, shared].compactMap(\.?.pointer) {
      array.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    }
    func sum(_ array: Storage, over ranks: any Communicator) throws -> Double {
      try slowest(communicator, repetitions) {
        try ranks.allReduce(array.pointer, count: bytes / 4, dtype: .float32, operation: .sum)
      }
    }
    let elsewhere = try sum(own, over: communicator)
    let inShared = try shared.map { try sum($0, over: communicator) }
    let byMPI = try shared.flatMap { _ in try messages.map { try sum(own, over: $0) } }
    let reduce = inShared ?? elsewhere
    let copy = try slowest(communicator, repetitions) {
      other.pointer.copyMemory(from: own.pointer, byteCount: bytes)
    }
    func speed(_ seconds: Double) -> Double { (Double(bytes) / seconds / 1e9).rounded(places: 3) }
    return Report.Row(
      bytes: bytes, microseconds: (reduce * 1e6).rounded(places: 2),
      copiedMicroseconds: inShared.map { _ in (elsewhere * 1e6).rounded(places: 2) },
      mpiMicroseconds: byMPI.map { ($0 * 1e6).rounded(places: 2) }, gbPerS: speed(reduce),
      limitMicroseconds: (copy * 1e6).rounded(places: 2), limitGbPerS: speed(copy))
  }

  /// Seconds of `body` on the slowest rank: the median of blocks that all ranks begin together.
  private static func slowest(
    _ communicator: any Communicator, _ repetitions: Int, _ body: () throws -> Void
  ) throws -> Double {
    for _ in 0...repetitions / 4 { try body() }
    let clock = ContinuousClock()
    var times: [Double] = []
    for _ in 0..<9 {
      try communicator.barrier()
      let duration = try clock.measure { for _ in 0..<repetitions { try body() } }
      times.append(duration / .seconds(1) / Double(repetitions))
    }
    var seconds = Times(times).median
    try communicator.allReduce(&seconds, count: 1, dtype: .float64, operation: .max)
    return seconds
  }
}

extension AllReduceBench.Report {
  /// A table for a person.
  var table: String {
    var table = TextTable(["array", "us", "copied us", "MPI us", "GB/s", "limit us", "limit GB/s"])
    for row in arrays {
      table.add([
        bytesText(row.bytes), row.microseconds.text(1), row.copiedMicroseconds?.text(1) ?? "",
        row.mpiMicroseconds?.text(1) ?? "", row.gbPerS.text(2),
        row.limitMicroseconds.text(1), row.limitGbPerS.text(2),
      ])
    }
    return "Sum of float32 over \(ranks) ranks, in place; limit: a copy on each rank\n\(table.text)"
  }
}
