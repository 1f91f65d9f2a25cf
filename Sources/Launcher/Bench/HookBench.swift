import Dist
import Engine
import Foundation

/// The time of a sum over ranks by messages, as a bucket of gradients starts it, with each hook beside MPI's own.
enum HookBench {
  /// What was measured.
  struct Report: Encodable, Sendable {
    struct Row: Encodable, Sendable {
      /// Of the array, in float32.
      var bytes: Int
      /// The least of blocks of the slowest rank, as for all others: MPI's nonblocking sum, waited for at once.
      var mpiMicroseconds: Double
      /// A hook that changes nothing.
      var plainMicroseconds: Double
      var bfloat16Microseconds: Double
      var float16Microseconds: Double
      var int8Microseconds: Double
    }

    var ranks: Int
    var arrays: [Row]
  }

  /// Sums float32 arrays of 64 KiB, 256 KiB ... up to `largest` bytes. Collective, under MPI.
  static func measure(_ communicator: any Communicator, largest: Int) throws -> Report {
    let messages =
      try MPISession.current?.communicator.duplicate(maximumCount: Int(Int32.max)) ?? communicator
    var rows: [Report.Row] = []
    var bytes = 64 << 10
    while bytes <= largest {
      rows.append(try measure(messages, bytes: bytes))
      bytes *= 4
    }
    return Report(ranks: communicator.size, arrays: rows)
  }

  private static func measure(
    _ communicator: any Communicator, bytes: Int
  ) throws -> Report.Row {
    let array = Storage(byteCount: bytes)
    let numbers = UnsafeMutableBufferPointer(
      start: array.pointer.assumingMemoryBound(to: Float.self), count: bytes / 4)
    // Small enough that no repetition makes them infinite.
    for index in numbers.indices { numbers[index] = Float(index % 7) * 1e-30 }
    let hooks: [any GradientHook] = [PlainHook(), .bfloat16, .float16, .int8]
    let sums = hooks.map { HookedSum(numbers, $0, over: communicator) }
    let ways: [() throws -> Void] =
      [
        {
          let token = try communicator.startAllReduce(
            array.pointer, count: bytes / 4, dtype: .float32, operation: .sum)
          try communicator.wait(token)
        }
      ] + sums.map { sum in { try sum.run() } }
    let repetitions = max(1, min(50, (2 << 20) / bytes))
    var least = [Double](repeating: .infinity, count: ways.count)
    let clock = ContinuousClock()
    // In turn, since neighbours of a virtual machine disturb for seconds.
    for _ in 0..<9 {
      for (index, way) in ways.enumerated() {
        for number in numbers.indices { numbers[number] = Float(number % 7) * 1e-30 }
        try communicator.barrier()
        let duration = try clock.measure { for _ in 0..<repetitions { try way() } }
        least[index] = min(least[index], duration / .seconds(1) / Double(repetitions))
      }
    }
    try communicator.allReduce(&least, count: least.count, dtype: .float64, operation: .max)
    let times = least.map { ($0 * 1e6).rounded(places: 1) }
    return Report.Row(
      bytes: bytes, mpiMicroseconds: times[0], plainMicroseconds: times[1],
      bfloat16Microseconds: times[2], float16Microseconds: times[3], int8Microseconds: times[4])
  }
}

extension HookBench.Report {
  /// A table for a person.
  var table: String {
    var table = TextTable(["array", "MPI us", "plain us", "bfloat16 us", "float16 us", "int8 us"])
    for row in arrays {
      table.add([
        bytesText(row.bytes), row.mpiMicroseconds.text(1), row.plainMicroseconds.text(1),
        row.bfloat16Microseconds.text(1), row.float16Microseconds.text(1),
        row.int8Microseconds.text(1),
      ])
    }
    return "Sum of float32 over \(ranks) ranks by messages, in place, with each hook\n\(table.text)"
  }
}
