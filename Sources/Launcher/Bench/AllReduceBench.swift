import Engine
import Foundation

/// The time of a sum over ranks, beside the least that memory allows.
enum AllReduceBench {
  /// What was measured.
  struct Report: Encodable, Sendable {
    struct Row: Encodable, Sendable {
      var bytes: Int
      /// The median of the slowest rank.
      var microseconds: Double
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
    var rows: [Report.Row] = []
    var bytes = 1 << 10
    while bytes <= largest {
      rows.append(try measure(communicator, bytes: bytes))
      bytes *= 4
    }
    return Report(ranks: communicator.size, arrays: rows)
  }

  private static func measure(_ communicator: any Communicator, bytes: Int) throws -> Report.Row {
    let repetitions = max(3, min(1000, (4 << 20) / bytes))
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    let other = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    defer {
      buffer.deallocate()
      other.deallocate()
    }
    // Sums of zeros stay zeros, however often they are taken.
    buffer.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    other.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    let reduce = try slowest(communicator, repetitions) {
      try communicator.allReduce(buffer, count: bytes / 4, dtype: .float32, operation: .sum)
    }
    let copy = try slowest(communicator, repetitions) {
      other.copyMemory(from: buffer, byteCount: bytes)
    }
    func speed(_ seconds: Double) -> Double { (Double(bytes) / seconds / 1e9).rounded(places: 3) }
    return Report.Row(
      bytes: bytes, microseconds: (reduce * 1e6).rounded(places: 2), gbPerS: speed(reduce),
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
    var table = TextTable(["array", "us", "GB/s", "limit us", "limit GB/s"])
    for row in arrays {
      table.add([
        bytesText(row.bytes), row.microseconds.text(1), row.gbPerS.text(2),
        row.limitMicroseconds.text(1), row.limitGbPerS.text(2),
      ])
    }
    return "Sum of float32 over \(ranks) ranks, in place; limit: a copy on each rank\n\(table.text)"
  }
}
